"""What is wrong besides the kills: the providers, the database, the disk, the clock. A name each."""

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.faults.person import PersonAtWork
from tests.faults.stack import Stack
from tests.real.outage import Outage

RESTART_SECONDS = 5
LOCKED_SECONDS = 30
LAG = {"lookup_lag_seconds": 0.8}

PROVIDER: dict[str, dict[str, float]] = {
    "kills alone": {},
    "delayed commits": {"slow": 0.15, "drop_late": 0.05, "hang": 0.01, "hang_seconds": 11, **LAG},
    "dropped connections": {"drop_before": 0.05, "drop_after": 0.1, **LAG},
    "429 storms and 5xx": {"too_many": 0.02, "unavailable": 0.05, "broken": 0.05, "storm_seconds": 1},
    "all of the provider's": {
        "slow": 0.03, "drop_late": 0.015, "drop_before": 0.015, "drop_after": 0.02, "hang": 0.003,
        "too_many": 0.01, "unavailable": 0.015, "broken": 0.015, **LAG,
    },
    "90 % answered 429": {"too_many": 0.9, "storm_seconds": 0, "early_grace_seconds": 0.5},
    "down": {"unavailable": 0.5, "drop_before": 0.5},
}  # fmt: skip
"""The providers' faults, by the table's row."""
STEPS, STEP_SECONDS, STEP_EVERY_SECONDS = 12, 300, 4
"""How an hour passes for the portal: so many steps of its clock, and how long each time lasts."""
LONGEST_DELAY_SECONDS = 300
"""The engine's longest back-off."""


@contextmanager
def database_away(stack: Stack) -> Iterator[None]:
    """SQLite: locked for 30 s. PostgreSQL: connections cut, then refused as in a restart, then a table locked."""
    if not stack.rows.is_postgres:
        path = urlsplit(stack.rows.url).path
        with _in_thread(lambda _: _lock_file(path)):
            yield
        return
    with _in_thread(lambda stopping: _cut_connections(stack.rows.url, stopping)):
        yield


def _lock_file(path: str) -> None:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(LOCKED_SECONDS)  # this is the fault, no waiting for anything
    connection.execute("ROLLBACK")
    connection.close()


def _cut_connections(url: str, stopping: threading.Event) -> None:
    name = urlsplit(url).path.strip("/")
    server = urlsplit(url)._replace(path="/postgres").geturl()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(server, autocommit=True) as connection:
        for _ in range(10):
            connection.execute(cut, [name])
            if stopping.wait(1):
                return
    with Outage(url):
        stopping.wait(RESTART_SECONDS)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE portal_operation IN ACCESS EXCLUSIVE MODE")
        stopping.wait(LOCKED_SECONDS - 10 - RESTART_SECONDS)


@contextmanager
def disk_full(stack: Stack) -> Iterator[None]:
    """The file system of an SQLite database fills up twice (it has to be the small one of ``small_disk``)."""
    ballast = Path(urlsplit(stack.rows.url).path).parent / "ballast"

    def fill(stopping: threading.Event) -> None:
        for _ in range(2):
            stopping.wait(4)
            _fill(ballast)
            stopping.wait(8)
            ballast.unlink(missing_ok=True)

    with _in_thread(fill):
        yield


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue  # not even that much fits any more


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 512 MB in ``folder``; needs root. Raises ``CalledProcessError``."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "campaign", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def clock_steps(stack: Stack) -> Iterator[None]:
    """An operator puts the clock forward and back by an hour, again and again."""

    def step(stopping: threading.Event) -> None:
        for seconds in (3600, 0, -3600, 0) * 100:
            stack.orders.step_clock(seconds)
            if stopping.wait(6):
                return

    with _in_thread(step):
        yield
    stack.orders.step_clock(0)


@contextmanager
def an_hour_passes(stack: Stack) -> Iterator[None]:
    """On the portal's clock, and to its end."""

    def step(_: threading.Event) -> None:
        for number in range(1, STEPS + 1):
            time.sleep(STEP_EVERY_SECONDS)  # this is the fault, no waiting for anything
            stack.orders.step_clock(number * STEP_SECONDS)

    with _in_thread(step):
        yield


def minutes_later(stack: Stack) -> None:
    """As long as anything is put off at most: then nobody has to help it on."""
    stack.orders.step_clock(stack.orders.ahead_seconds + LONGEST_DELAY_SECONDS)


@contextmanager
def person_at_work(stack: Stack) -> Iterator[None]:
    """Somebody follows the words of what stops, and lets it go on."""
    person = PersonAtWork(stack)
    person.start()
    try:
        yield
    finally:
        person.stop()


def nothing(stack: Stack) -> None:
    """Nothing happens."""


@contextmanager
def fine(stack: Stack) -> Iterator[None]:
    yield


@contextmanager
def _in_thread(work: Callable[[threading.Event], None]) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=work, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
