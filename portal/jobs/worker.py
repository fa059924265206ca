"""The worker: claims due operations one after another until it is told to stop."""

import signal
import threading
from datetime import datetime, timedelta
from types import FrameType

import structlog
from django.db import DatabaseError, close_old_connections

from portal.core.clock import now
from portal.core.process import this_process
from portal.jobs.claim import claim_operation, free_abandoned
from portal.jobs.run import run_operation
from portal.models import WorkerSeen

log = structlog.get_logger("portal.worker")
POLL = timedelta(seconds=1)
SEEN_EVERY = timedelta(seconds=5)


class Worker:
    """Runs until ``stop``; finishes the operation at hand first."""

    def __init__(self, *, poll: timedelta = POLL) -> None:
        self._poll = poll
        self._stopping = threading.Event()
        self._seen_at: datetime | None = None

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped. A database that is away is waited for."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker.started")
        while not self._stopping.is_set():
            if not self._work_once():
                self._stopping.wait(self._poll.total_seconds())
        log.info("worker.stopped")

    def _work_once(self) -> bool:
        try:
            close_old_connections()
            self._show_life()
            free_abandoned()
            operation = claim_operation()
            if operation is None:
                return False
            run_operation(operation)
        except DatabaseError as exc:
            log.warning("worker.database_away", error=type(exc).__name__)
            close_old_connections()
            return False
        return True

    def _show_life(self) -> None:
        """Note that this worker lives, every few seconds; forget those silent for an hour."""
        if self._seen_at is not None and self._seen_at + SEEN_EVERY > now():
            return
        self._seen_at = now()
        WorkerSeen.objects.update_or_create(process=this_process(), defaults={"seen_at": now()})
        WorkerSeen.objects.filter(seen_at__lt=now() - timedelta(hours=1)).delete()
