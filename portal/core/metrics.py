"""What is counted while working. What is durable is read from the database when somebody asks.

Every metric has a label, so that its first value is made at the first measurement: by then a
command that serves has said, with ``record_to``, that values go to files. Elsewhere, in a shell
or a test, they stay in memory.
"""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

IN_MEMORY = CollectorRegistry()
_folder: Path | None = None
HAND_OVER_SECONDS = 1.0
_FAST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW = (0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)

HTTP_REQUESTS = Histogram(
    "latchkey_http_request_seconds",
    "Time to answer, by the route's pattern (never a path), method and class of status.",
    ("route", "method", "status"), buckets=_FAST, registry=IN_MEMORY,
)  # fmt: skip
PUBLISHED = Counter(
    "latchkey_published_answers_total", "Answers with the JWKS, discovery and status lists.",
    ("document", "status"), registry=IN_MEMORY,
)  # fmt: skip
OPERATION_RUNS = Histogram(
    "latchkey_operation_run_seconds", "Time a run of an operation took, by how it ended.",
    ("kind", "plugin", "outcome"), buckets=_SLOW, registry=IN_MEMORY,
)  # fmt: skip
EVENTS = Counter(
    "latchkey_events_total", "Committed changes, by the audit log's action: key.activated, key.revoked, …",
    ("action",), registry=IN_MEMORY,
)  # fmt: skip
RATE_WAITS = Histogram(
    "latchkey_rate_wait_seconds", "Time calls waited for their turn at a provider.",
    ("plugin",), buckets=_SLOW, registry=IN_MEMORY,
)  # fmt: skip
PHONE_TOKENS = Histogram(
    "latchkey_phone_token_seconds",
    "Time to answer who fetches a phone token, by what came of it: issued, checked, or why not.",
    ("outcome",), buckets=_FAST, registry=IN_MEMORY,
)  # fmt: skip
DATABASE_ERRORS = Counter(
    "latchkey_database_errors_total", "Times the database didn't answer, by who asked.",
    ("asked_by",), registry=IN_MEMORY,
)  # fmt: skip
MAILS = Counter("latchkey_mails_total", "Mails, by what came of them.", ("outcome",), registry=IN_MEMORY)
_WAITING = Gauge(
    "latchkey_waiting_requests", "Requests that wait for an operation at this moment.",
    ("waits_for",), multiprocess_mode="livesum", registry=IN_MEMORY,
)  # fmt: skip


def record_to(folder: Path) -> None:
    """Count in files of ``folder`` from now on; before the first measurement, and before forking."""
    global _folder
    _folder = folder
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # where its values look
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # as its README does


def recorded_to() -> Path | None:
    """The folder that ``record_to`` named; None while values stay in memory."""
    return _folder


@contextmanager
def waiting_request() -> Iterator[None]:
    """Count a request that waits for an operation, as long as it does."""
    waiting = _WAITING.labels("operation")
    waiting.inc()
    try:
        yield
    finally:
        waiting.dec()


class Tally:
    """Adds up where a microsecond counts; hands the sum over to a counter within a second.

    Adding takes no lock: ``next`` on a count is one step of the interpreter.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._numbers = itertools.count()
        self._taken = self._handed = 0
        self._is_due = False
        self._lock = threading.Lock()

    def add(self) -> None:
        next(self._numbers)
        if not self._is_due:
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._is_due:
                return
            self._is_due = True
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        time.sleep(HAND_OVER_SECONDS)
        # First: who adds from here on begins the next wait.
        self._is_due = False
        self.hand_over()

    def hand_over(self) -> None:
        """Give the counter what came since the last time. Takes a number itself to see how far they are."""
        with self._lock:
            added = next(self._numbers) - self._taken
            self._taken += 1
            self._counter.inc(added - self._handed)
            self._handed = added
