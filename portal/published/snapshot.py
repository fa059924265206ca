"""Documents' bytes, kept fresh without a query per request and through an outage."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from django.db import DatabaseError, connection

from portal.core.metrics import DATABASE_ERRORS

log = structlog.get_logger("portal.published")
FRESH_SECONDS = 1.0
WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Bytes:
    """A document as it is sent; the ETag is strong: it is a digest of the body."""

    body: bytes
    etag: str


def digested(body: bytes) -> Bytes:
    """The document with its ETag."""
    return Bytes(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


Content = TypeVar("Content")


class Refreshed(Generic[Content]):
    """Refreshed in a thread of its own when a request finds it older than a second.

    Requests wait for the refresh at most a second, then get what was last good: a database
    that hangs or is away costs freshness, never an answer.
    """

    def __init__(self, make: Callable[[], Content]) -> None:
        self._make = make
        self._content: Content | None = None
        self._made_at = float("-inf")
        self._lock = threading.Lock()
        self._refreshing: tuple[threading.Event, float] | None = None

    @property
    def age_seconds(self) -> float:
        """Since the last try that ended; infinite before the first."""
        return time.monotonic() - self._made_at

    def get(self) -> Content | None:
        """What was made last, or None when there has never been a good one."""
        if time.monotonic() - self._made_at > FRESH_SECONDS:
            refreshed, began_at = self._begin()
            waited = time.monotonic() - began_at
            # When the database hangs, only those who come first wait for it.
            refreshed.wait(max(0.0, WAIT_SECONDS - waited))
        return self._content

    def _begin(self) -> tuple[threading.Event, float]:
        with self._lock:
            if self._refreshing is None:
                done = threading.Event()
                self._refreshing = (done, time.monotonic())
                threading.Thread(target=self._refresh, args=(done,), daemon=True).start()
            return self._refreshing

    def _refresh(self, done: threading.Event) -> None:
        try:
            self._content = self._make()
            self._made_at = time.monotonic()
        except DatabaseError as exc:
            log.warning("published.database_away", error=type(exc).__name__)
            DATABASE_ERRORS.labels("published").inc()
            # Don't ask a database that is away more often than once a second.
            if self._content is not None:
                self._made_at = time.monotonic()
        finally:
            connection.close()
            with self._lock:
                self._refreshing = None
            done.set()


class Snapshot(Refreshed[Bytes]):
    """One document."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        super().__init__(lambda: digested(make()))
