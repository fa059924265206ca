"""Keeping a lease while a plugin takes its time."""

import threading
from datetime import timedelta
from types import TracebackType

import structlog
from django.db import DatabaseError, connection

from portal.core.clock import now
from portal.models import Operation
from portal.services.operations import LEASE

log = structlog.get_logger("portal.jobs")
EVERY = timedelta(seconds=5)


class Heartbeat:
    """Extends the lease of a running operation every few seconds, from a thread of its own.

    A process that dies stops beating; one that lost its lease meanwhile extends nothing.
    """

    def __init__(self, operation: Operation, *, every: timedelta = EVERY) -> None:
        self._mine = Operation.objects.filter(
            pk=operation.pk,
            state=Operation.State.RUNNING,
            owner=operation.owner,
            attempts=operation.attempts,
        )
        self._every = every.total_seconds()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(self._every):
            try:
                self._mine.update(lease_until=now() + LEASE)
            except DatabaseError as exc:
                log.warning("heartbeat.database_error", error=type(exc).__name__)
            finally:
                connection.close()
