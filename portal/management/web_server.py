"""Granian, as this portal runs it."""

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

# Longer heads are answered 431 before any of our code runs.
LARGEST_HEAD = 65_536


def serve(host: str, port: int, *, workers: int, threads: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    Server(
        "portal.config.wsgi:application",
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
    ).serve()
