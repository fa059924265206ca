"""The worker: claims due operations and runs several at a time until it is told to stop."""

import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import FrameType

import structlog
from django.db import close_old_connections, connection

from portal.core.clock import now
from portal.core.metrics import DATABASE_ERRORS
from portal.core.plugins import registry
from portal.core.process import this_process
from portal.core.stopping import stopping
from portal.jobs.claim import claim_operation, free_abandoned, next_due_at
from portal.jobs.run import DATABASE_AWAY, run_operation
from portal.jobs.schedule import JOBS, URGENT, Job, run_due_jobs
from portal.jobs.wake import Wake
from portal.models import Operation, WorkerSeen
from portal.services.operations.run import give_back

log = structlog.get_logger("portal.worker")
POLL = timedelta(seconds=5)
"""The longest time between two looks, whatever wakes it in between."""
SCHEDULE_EVERY = timedelta(seconds=1)
URGENT_EVERY = timedelta(milliseconds=500)
PAUSE = timedelta(seconds=1)
THREADS = 8


class Worker:
    """Runs up to ``threads`` operations at a time: most of their time is waiting for providers."""

    def __init__(self, *, threads: int = THREADS) -> None:
        self._threads = threads
        self._free = threading.Semaphore(threads)
        self._running: Counter[str] = Counter()
        self._wake = Wake()
        self._looked_at: datetime | None = None

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        # In a thread of its own: the signal may come while this one holds the events' locks.
        threading.Thread(target=self._stop).start()

    def _stop(self) -> None:
        stopping.set()
        self._wake.poke()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then the calls under way are finished and leases given back.

        A database that is away is waited for.
        """
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker.started", threads=self._threads)
        schedules = [
            threading.Thread(target=self._keep_schedule, args=(JOBS, SCHEDULE_EVERY), name="schedule"),
            threading.Thread(target=self._keep_schedule, args=(URGENT, URGENT_EVERY), name="urgent"),
        ]
        with self._wake, ThreadPoolExecutor(self._threads, "operation") as pool:
            for schedule in schedules:
                schedule.start()
            while not stopping.is_set():
                _carry_on(lambda: self._take_one(pool))
        for schedule in schedules:
            schedule.join()
        log.info("worker.stopped")

    def _take_one(self, pool: ThreadPoolExecutor) -> None:
        """Hand the next due operation to a free thread, or wait until there may be one."""
        self._look_around()
        if not self._free.acquire(timeout=POLL.total_seconds()):
            return
        operation = None
        try:
            operation = None if stopping.is_set() else claim_operation(without=self._crowded())
        finally:
            if operation is None:
                self._free.release()
        if operation is None:
            self._wake.wait(_seconds_to_wait())
        else:
            self._running[operation.plugin] += 1
            pool.submit(self._run, operation)

    def _crowded(self) -> list[str]:
        """Plugins that have most of the threads already: one slow provider leaves room for the others."""
        if len(registry().slugs) == 1:
            return []
        most = max(1, self._threads * 3 // 4)
        return [plugin for plugin, number in self._running.items() if number >= most]

    def _look_around(self) -> None:
        """Show life and free what the dead left, every few seconds."""
        if self._looked_at is not None and timedelta(0) <= now() - self._looked_at < POLL:
            return
        WorkerSeen.objects.update_or_create(process=this_process(), defaults={"seen_at": now()})
        free_abandoned()
        self._looked_at = now()

    def _run(self, operation: Operation) -> None:
        try:
            run_operation(operation)
        except DATABASE_AWAY as exc:
            _database_away(exc)
            _give_back_when_it_returns(operation)
        except BaseException:
            log.exception("operation.thread_failed", operation=operation.public_id)
            raise
        finally:
            connection.close()
            self._running[operation.plugin] -= 1
            self._free.release()
            self._wake.poke()  # the customer's next operation may run now

    def _keep_schedule(self, jobs: tuple[Job, ...], every: timedelta) -> None:
        while not stopping.wait(every.total_seconds()):
            while _carry_on(lambda: run_due_jobs(jobs)) and not stopping.is_set():
                connection.close()  # a look that found nothing keeps it: opening costs more than looking
        connection.close()


def _seconds_to_wait() -> float:
    due = next_due_at()
    left = POLL if due is None else min(POLL, due - now())
    return max(left.total_seconds(), 0.02)


def _carry_on(work: Callable[[], bool | None]) -> bool | None:
    """One turn of a loop that outlives whatever goes wrong in it; after that it pauses."""
    try:
        return work()
    except DATABASE_AWAY as exc:
        _database_away(exc)
    except Exception:  # the worker's loop: a defect in one turn doesn't end the others
        log.exception("worker.turn_failed")
    stopping.wait(PAUSE.total_seconds())
    return None


def _give_back_when_it_returns(operation: Operation) -> None:
    """The run ended because the database went away: no crash, so let it be repeated soon."""
    while True:
        ended = stopping.wait(PAUSE.total_seconds())
        try:
            give_back(operation)
            return
        except DATABASE_AWAY as exc:
            _database_away(exc)
        if ended:
            return  # its lease runs out


def _database_away(error: Exception) -> None:
    log.warning("worker.database_away", error=type(error).__name__)
    DATABASE_ERRORS.labels("worker").inc()
    close_old_connections()
