"""Counting across processes that come, go and are killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from portal.core import metric_files, metrics
from portal.core.metric_files import Slots, claim
from portal.core.metrics import Tally

pytestmark = pytest.mark.once

COUNTING = """
import sys
from pathlib import Path
from portal.core.metric_files import claim
from portal.core.metrics import DATABASE_ERRORS, HTTP_REQUESTS, record_to, waiting_request
folder, name, number = sys.argv[1:]
record_to(claim(Path(folder), name))
for _ in range(int(number)):
    DATABASE_ERRORS.labels("test").inc()
    HTTP_REQUESTS.labels("keys", "GET", "2xx").observe(0.02)
with waiting_request():
    print("waiting", flush=True)
    sys.stdin.read()
"""
"""A server that counts, then holds one request until its input ends."""


class Server:
    def __init__(self, folder: Path, name: str, number: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(folder), name, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"waiting\n"

    def end(self, *, killed: bool = False) -> None:
        if killed:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=20)


def values(folder: Path, name: str) -> dict[str, float]:
    """By server, of the samples with that name."""
    found = {}
    for metric in Slots(folder).collect():
        for sample in metric.samples:
            if sample.name == name:
                assert sample.labels["process"] not in found
                found[sample.labels["process"]] = sample.value
    return found


ERRORS, REQUESTS = "latchkey_database_errors_total", "latchkey_http_request_seconds_count"
WAITING = "latchkey_waiting_requests"


def test_every_server_has_sums_of_its_own(tmp_path: Path) -> None:
    servers = [Server(tmp_path, "web", 2), Server(tmp_path, "web", 3), Server(tmp_path, "worker", 5)]
    try:
        assert values(tmp_path, ERRORS) == {"web-1": 2, "web-2": 3, "worker-1": 5}
        assert values(tmp_path, REQUESTS) == {"web-1": 2, "web-2": 3, "worker-1": 5}
        assert values(tmp_path, WAITING) == {"web-1": 1, "web-2": 1, "worker-1": 1}
    finally:
        for server in servers:
            server.end()


def test_what_a_killed_server_counted_stays_and_what_it_held_does_not(tmp_path: Path) -> None:
    Server(tmp_path, "web", 4).end(killed=True)
    assert values(tmp_path, ERRORS) == {"web-1": 4}
    assert values(tmp_path, WAITING) == {}


def test_a_restarted_server_begins_at_nought_as_a_whole(tmp_path: Path) -> None:
    Server(tmp_path, "web", 4).end(killed=True)
    server = Server(tmp_path, "web", 1)
    try:
        assert values(tmp_path, ERRORS) == {"web-1": 1}
        assert values(tmp_path, REQUESTS) == {"web-1": 1}
    finally:
        server.end()


@pytest.fixture
def our_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    slot = claim(tmp_path, "web")
    monkeypatch.setattr(metrics, "_folder", slot)
    return slot


def test_a_process_killed_under_a_living_server_leaves_its_sums_alone(our_slot: Path) -> None:
    """Its successor counts in another file; no sum falls, and no request waits for ever."""
    child = "import sys; sys.path.insert(0, '.')\n" + COUNTING.replace(
        "record_to(claim(Path(folder), name))", "record_to(Path(folder) / name)"
    )
    for number in (4, 6):
        process = subprocess.Popen(
            [sys.executable, "-c", child, str(our_slot.parent), our_slot.name, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        assert values(our_slot.parent, WAITING) == {"web-1": 1}
        process.kill()
        process.communicate()
    assert values(our_slot.parent, ERRORS) == {"web-1": 10}
    assert values(our_slot.parent, WAITING) == {}


def test_a_folder_that_is_being_emptied_is_passed_over(
    our_slot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_files, "_files", lambda slot: [str(our_slot / "counter_1.db")])
    assert list(Slots(our_slot.parent).collect()) == []


def test_only_its_owner_may_look_into_a_folder(our_slot: Path) -> None:
    assert our_slot.stat().st_mode & 0o077 == 0
    assert os.stat(f"{our_slot}.lock").st_mode & 0o077 == 0


def test_a_tally_hands_over_every_addition_once() -> None:
    counter = Counter("additions", "of four threads", ("by",), registry=CollectorRegistry()).labels("test")
    tally = Tally(counter)

    def add() -> None:
        for _ in range(5_000):
            tally.add()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        tally.hand_over()
    for thread in threads:
        thread.join()
    tally.hand_over()
    assert counter._value.get() == 20_000
