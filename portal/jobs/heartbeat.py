"""Keeping a lease while the work takes its time."""

import threading
from datetime import timedelta
from itertools import count
from types import TracebackType
from typing import Any

import structlog
from django.db import DatabaseError, connection
from django.db.models import QuerySet

from portal.core.clock import now
from portal.models import Operation
from portal.services.operations.queue import LEASE

log = structlog.get_logger("portal.jobs")
EVERY = timedelta(seconds=5)
LONGEST_RUN = timedelta(minutes=10)
"""A plugin that hangs without a time-out of its own keeps its lease no longer."""


class KeptLease:
    """Extends the lease of the row in ``mine`` every few seconds, from a thread of its own.

    A process that dies stops beating; ``mine`` selects nothing once another has the lease.
    """

    def __init__(
        self, mine: "QuerySet[Any]", *, lease: timedelta, every: timedelta, beats: int | None = None
    ) -> None:
        self._mine, self._lease = mine, lease
        self._every, self._beats = every.total_seconds(), beats
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
        beats = count() if self._beats is None else range(self._beats)
        for _ in beats:
            if self._done.wait(self._every):
                return
            try:
                self._mine.update(lease_until=now() + self._lease)
            except DatabaseError as exc:
                log.warning("heartbeat.database_error", error=type(exc).__name__)
            finally:
                connection.close()


class Heartbeat(KeptLease):
    """Keeps the lease of a running operation while its plugin works."""

    def __init__(self, operation: Operation, *, every: timedelta = EVERY) -> None:
        mine = Operation.objects.filter(
            pk=operation.pk,
            state=Operation.State.RUNNING,
            owner=operation.owner,
            attempts=operation.attempts,
        )
        super().__init__(mine, lease=LEASE, every=every, beats=LONGEST_RUN // every)
