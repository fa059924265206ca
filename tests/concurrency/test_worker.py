"""The worker's loops, in this process: what goes wrong in one turn ends none of them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from portal.core.failpoints import on_failpoint
from portal.core.plugins import registry, set_registry
from portal.core.stopping import stopping
from portal.jobs.claim import claim_operation
from portal.jobs.schedule import Job
from portal.jobs.worker import Worker
from portal.models import Operation
from provisioning.contract import RemoteUser
from provisioning.registry import Registry
from tests.factories import CustomerFactory, UserFactory
from tests.jobs.listing import Listing
from tests.real.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Slow(Listing):
    """Its requests are answered when ``released``."""

    slug = "slow"

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.asked = threading.Semaphore(0)

    def provision_user(self, *args: Any, **named: Any) -> RemoteUser:
        self.asked.release()
        assert self.released.wait(60)
        return RemoteUser("user", "")


class Fast(Slow):
    slug = "fast"

    def __init__(self) -> None:
        super().__init__()
        self.released.set()


@pytest.fixture
def plugins() -> Iterator[tuple[Slow, Fast]]:
    before, found = registry(), (Slow(), Fast())
    set_registry(Registry(found))  # type: ignore[arg-type]
    yield found
    set_registry(before)


@pytest.fixture(autouse=True)
def _nothing_lasts() -> Iterator[None]:
    yield
    stopping.clear()
    on_failpoint(None)


def provisioning(plugin: str) -> Operation:
    return Operation.objects.create(
        kind="provision", plugin=plugin, customer=CustomerFactory(), user=UserFactory()
    )


def has_succeeded(operation: Operation) -> bool:
    return Operation.objects.get(pk=operation.pk).state == "succeeded"


@contextmanager
def working(monkeypatch: pytest.MonkeyPatch, *, threads: int) -> Iterator[Worker]:
    """A worker in a thread, without its schedule; at the end it is told to stop, and does."""
    monkeypatch.setattr("portal.jobs.worker.signal.signal", lambda number, handler: None)
    monkeypatch.setattr("portal.jobs.worker.JOBS", ())
    monkeypatch.setattr("portal.jobs.worker.URGENT", ())
    worker = Worker(threads=threads)

    def run() -> None:
        try:
            worker.run()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        try:
            yield worker
        finally:
            worker.stop()
            done.result(60)


@pytest.mark.parametrize("error", [RuntimeError("a defect"), OperationalError("away")], ids=repr)
def test_the_loop_outlives_an_error_in_one_turn(
    plugins: tuple[Slow, Fast], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    errors = [error]

    def fail_once(name: str) -> None:
        if name == "operation.claimed" and errors:
            raise errors.pop()

    on_failpoint(fail_once)
    provisioning("fast")
    second = provisioning("fast")
    with working(monkeypatch, threads=2):
        eventually(lambda: has_succeeded(second), "the second operation is done", seconds=30)
    assert not errors


def test_the_schedule_outlives_an_error_in_one_turn() -> None:
    turns: list[int] = []

    def has_work() -> bool:
        turns.append(1)
        if len(turns) == 3:
            stopping.set()
        raise RuntimeError("a defect")

    job = Job("broken", timedelta(seconds=1), lambda: None, has_work=has_work)
    Worker(threads=1)._keep_schedule((job,), timedelta(milliseconds=1))
    assert len(turns) == 3


def test_a_plugin_that_hangs_leaves_threads_to_the_others(
    plugins: tuple[Slow, Fast], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, _ = plugins
    hanging = [provisioning("slow") for _ in range(6)]
    other = provisioning("fast")
    with working(monkeypatch, threads=4):
        eventually(lambda: has_succeeded(other), "the other plugin's operation is done", seconds=30)
        assert Operation.objects.filter(state="running").count() == 3
        slow.released.set()
        eventually(lambda: all(map(has_succeeded, hanging)), "the others go on then", seconds=30)


@pytest.mark.parametrize("threads", [1, 2])
def test_few_threads_serve_every_plugin_in_turn(
    plugins: tuple[Slow, Fast], monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    plugins[0].released.set()
    waiting = [provisioning(slug) for slug in ("slow", "fast") for _ in range(3)]
    with working(monkeypatch, threads=threads):
        eventually(lambda: all(map(has_succeeded, waiting)), "all are done", seconds=30)


def test_the_only_plugin_may_have_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before, slow = registry(), Slow()
    set_registry(Registry([slow]))  # type: ignore[list-item]
    for _ in range(4):
        provisioning("slow")
    try:
        with working(monkeypatch, threads=4):
            for _ in range(4):
                assert slow.asked.acquire(timeout=30)
            slow.released.set()
    finally:
        set_registry(before)


def test_an_operation_is_given_back_when_the_database_returns_during_a_stop(
    plugins: tuple[Slow, Fast],
) -> None:
    """Else it would count as a crash once its lease had run out."""

    def provision_user(*args: Any, **named: Any) -> RemoteUser:
        stopping.set()
        raise OperationalError("away")

    plugins[1].provision_user = provision_user  # type: ignore[method-assign]
    operation = provisioning("fast")
    claimed = claim_operation()
    assert claimed is not None
    with ThreadPoolExecutor(1) as pool:
        pool.submit(Worker(threads=1)._run, claimed).result(60)
    operation.refresh_from_db()
    assert (operation.state, operation.owner, operation.crashes) == ("queued", "", 0)
