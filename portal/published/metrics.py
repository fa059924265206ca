"""``/metrics``: for callers on this host, and for management tokens with ``metrics:read``."""

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from django.db import DatabaseError, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from portal.core.metric_files import Slots
from portal.core.metrics import IN_MEMORY, recorded_to
from portal.published.gauges import DATABASE_DOWN, database_gauges
from portal.published.snapshot import Snapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger("portal.metrics")
STALE_SECONDS = 10.0
"""Gauges older than that mean that the database hangs."""
FORWARDED = ("FORWARDED", "VIA", "X_REAL_IP", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO")

Answer = tuple[int, list[tuple[str, str]], bytes]


class Metrics:
    """``may_read`` says whether a bearer may: True, False for one without the scope, None for none."""

    def __init__(self, may_read: Callable[[str], bool | None]) -> None:
        self._may_read = may_read
        self._gauges = Snapshot(database_gauges)

    def answer(self, environ: "WSGIEnvironment") -> Answer:
        """Status, headers and body. A refusal says nothing but that it is one."""
        status = self._status(environ)
        headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        if status != 200:
            challenge = [("WWW-Authenticate", "Bearer")] if status == 401 else []
            return status, [("Content-Type", "text/plain"), *headers, *challenge], b""
        return 200, [("Content-Type", CONTENT_TYPE_LATEST), *headers], self._text()

    def _status(self, environ: "WSGIEnvironment") -> int:
        kind, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not kind:
            return 200 if is_from_this_host(environ) else 401
        if kind.lower() != "bearer":
            return 401
        try:
            allowed = self._may_read(bearer.strip())
        except DatabaseError as exc:
            log.warning("metrics.database_away", error=type(exc).__name__)
            return 503
        finally:
            connection.close()
        if allowed is None:
            return 401
        return 200 if allowed else 403

    def _text(self) -> bytes:
        gauges = self._gauges.get()
        known = gauges is not None and self._gauges.age_seconds < STALE_SECONDS
        return _counted() + (gauges.body if gauges is not None and known else DATABASE_DOWN)


def _counted() -> bytes:
    """What processes counted: all of this host's under ``serve`` and ``worker``, else this one alone."""
    folder = recorded_to()
    if folder is None:
        return generate_latest(IN_MEMORY)
    registry = CollectorRegistry()
    registry.register(Slots(folder.parent))
    return generate_latest(registry)


def is_from_this_host(environ: "WSGIEnvironment") -> bool:
    """Whether the caller is a program on this host, and no proxy on it that passes somebody's request on.

    In doubt it is not: any header that a proxy adds, or a ``Host`` that is no loopback address,
    and a token is needed. ``PORTAL_TRUSTED_PROXIES`` can't make a caller local.
    """
    if any(f"HTTP_{name}" in environ for name in FORWARDED):
        return False
    host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    return _is_loopback(environ.get("REMOTE_ADDR", "")) and (host == "localhost" or _is_loopback(host))


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
