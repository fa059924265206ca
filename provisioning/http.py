"""HTTP for plugins: explicit time-outs and an end for the whole call, no retries, no kept connections."""

import socket
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


def make_client(*, connect: timedelta, total: timedelta) -> httpx.Client:
    """A client whose calls each end after ``total``, however slowly the answer trickles in.

    Every call has a connection of its own: one that was kept may have been closed at the other
    end, and a request that is written to it leaves nobody wiser. Certificates are checked against
    the system's, or those in ``SSL_CERT_FILE``.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    inner = httpx.HTTPTransport(verify=httpx.create_ssl_context(), limits=limits)
    seconds = total.total_seconds()
    timeout = httpx.Timeout(seconds, connect=connect.total_seconds())
    return httpx.Client(transport=Deadline(inner, seconds), timeout=timeout)


class Deadline(httpx.BaseTransport):
    """Cuts the connection when a call's time is over: httpx's own time-outs count from byte to byte."""

    def __init__(self, inner: httpx.BaseTransport, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sockets: list[socket.socket] = []
        over = threading.Event()

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event in _CONNECTED:
                sockets.append(info["return_value"].get_extra_info("socket"))
                if over.is_set():  # looking the name up has no time-out, and each address has its own
                    _cut(sockets)

        def end() -> None:
            over.set()
            _cut(sockets)

        request.extensions["trace"] = trace
        deadline = threading.Timer(self._seconds, end)
        deadline.start()
        try:
            response = self._inner.handle_request(request)
            response.read()
            return response
        finally:
            deadline.cancel()

    def close(self) -> None:
        self._inner.close()


def _cut(sockets: list[socket.socket]) -> None:
    for connected in sockets:
        try:
            # Not the method of TLS sockets, which would take the cipher away from who reads just now.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            continue  # closed meanwhile, or the plain one beneath TLS


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """``Retry-After`` (RFC 9110 section 10.2.3), seconds or a date; None when it is missing or nonsense."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 7:
        return timedelta(seconds=int(value))
    try:
        return max(parsedate_to_datetime(value) - now, timedelta(0))
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
