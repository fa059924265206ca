"""Granian, as this portal runs it."""

import os
import socket

from django.core.management.base import CommandError
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from portal.management.processes import die_with_parent

# Longer heads are answered 431 before any of our code runs.
LARGEST_HEAD = 65_536
LOG_THROUGH_OURS = {
    "formatters": {},
    "handlers": {},
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("_granian", "granian.access")},
}
"""Granian's few lines look like all others: its loggers hand them to the portal's handler."""


def check_address(host: str, port: int) -> None:
    """Raise ``CommandError`` when another program listens there.

    Granian sets SO_REUSEPORT: without a look first, two portals would share the port unnoticed,
    each answering some of the requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise CommandError(f"can't listen on {host} port {port} (PORT): {exc.strerror}") from exc


def _close_connections() -> None:
    """Before workers are forked: two processes with one socket read each other's answers."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, PostgreSQL):
            connection.close_pool()


def serve(
    host: str, port: int, *, workers: int, threads: int, target: str = "portal.config.wsgi:application"
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    Raises ``CommandError`` when the address is taken.
    """
    check_address(host, port)
    _close_connections()
    # Granian's workers would outlive a server that was killed, and keep its port.
    os.register_at_fork(after_in_child=die_with_parent)
    Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        http1_settings=HTTP1Settings(max_buffer_size=LARGEST_HEAD),
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=LOG_THROUGH_OURS,
    ).serve()
