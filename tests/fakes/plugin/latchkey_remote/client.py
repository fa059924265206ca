"""The provider's API over HTTP. Whatever goes wrong leaves here as one of the contract's errors."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from latchkey_remote.config import RemoteConfig
from provisioning.contract import Rates
from provisioning.errors import Misconfigured, OutcomeUnknown, ProvisioningError, Rejected, Transient

CONNECT_SECONDS = 3.0


class NotThere(Rejected):
    """404: the object does not exist."""


class RemoteClient:
    """One connection a call; no retries of its own, those are the portal's."""

    def __init__(self, config: RemoteConfig, rates: Rates, bucket: str) -> None:
        self._config = config
        self._rates = rates
        self._bucket = bucket

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON. May be repeated only where the provider's API says so."""
        if self._config.rate is not None:
            self._rates.take(self._bucket, self._config.rate)
        with self._connected() as connection:
            try:
                status, retry_after, content = self._exchange(connection, method, path, body)
                if status < 300:
                    return json.loads(content) if content else None
            except (OSError, HTTPException, ValueError):
                # The request was on its way: only a reading one surely changed nothing.
                error = Transient if method == "GET" else OutcomeUnknown
                raise error("remote_no_answer", "The provider gave no usable answer.") from None
        raise self._error(method, status, retry_after)

    def list(self, path: str, **terms: str) -> Iterator[dict[str, Any]]:
        """The items of all pages that match ``terms`` (``tag_marker`` is the tag ``marker``)."""
        query = {name.replace("tag_", "tag."): value for name, value in terms.items()}
        after: int | None = 0
        while after is not None:
            page = self.call("GET", f"{path}?{urlencode({**query, 'after': after})}")
            yield from page["items"]
            after = page["next"]

    @contextmanager
    def _connected(self) -> Iterator[HTTPConnection]:
        """A connection that is cut when the deadline for the whole call has passed."""
        parts = urlsplit(self._config.url)
        total = self._config.deadline.total_seconds()
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=min(CONNECT_SECONDS, total))
        try:
            connection.connect()
        except OSError:
            raise Transient("remote_unreachable", "The provider can't be reached.") from None
        # The socket's own time-out is one a read: a provider that trickles would never meet it.
        connection.sock.settimeout(total)
        deadline = threading.Timer(total, _cut, [connection.sock])
        deadline.start()
        try:
            yield connection
        finally:
            deadline.cancel()
            connection.close()

    def _exchange(
        self, connection: HTTPConnection, method: str, path: str, body: Any
    ) -> tuple[int, timedelta | None, bytes]:
        headers = {"Authorization": f"Bearer {self._config.token.reveal()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, f"{urlsplit(self._config.url).path}{path}", content, headers)
        response = connection.getresponse()
        return response.status, _retry_after(response), response.read()

    def _error(self, method: str, status: int, retry_after: timedelta | None) -> ProvisioningError:
        """What a status means, in our words: the provider's body never enters a message."""
        match status:
            case 429:
                if retry_after is not None:
                    self._rates.hold(self._bucket, retry_after)
                return Transient("remote_busy", "The provider limits our rate.", retry_after=retry_after)
            case 503:
                return Transient("remote_unavailable", "The provider is away.", retry_after=retry_after)
            case 401 | 403:
                return Misconfigured("remote_token", "The provider refuses PLUGIN_REMOTE_TOKEN.")
            case 404:
                return NotThere("remote_not_found", "The provider knows no such object.")
        if status < 500:
            return Rejected("remote_refused", f"The provider refused the request with status {status}.")
        if method == "GET":
            return Transient("remote_broken", f"The provider answered {status}.")
        return OutcomeUnknown("remote_broken", f"The provider answered {status}; it may have acted.")


def _cut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed meanwhile


def _retry_after(response: HTTPResponse) -> timedelta | None:
    """``Retry-After`` in seconds; its date form is not used by this provider."""
    value = response.getheader("Retry-After") or ""
    return timedelta(seconds=int(value)) if value.isdecimal() and len(value) < 7 else None
