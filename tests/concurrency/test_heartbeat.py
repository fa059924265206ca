"""A plugin that takes longer than a lease keeps its operation."""

import threading
from datetime import timedelta

import pytest

from portal.core.clock import now
from portal.jobs.heartbeat import Heartbeat, KeptLease
from portal.models import Operation
from portal.services.operations.queue import LEASE
from tests.factories import CustomerFactory
from tests.real.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def running(owner: str = "me") -> Operation:
    return Operation.objects.create(
        kind="provision", plugin="slow", customer=CustomerFactory(), state="running", owner=owner, attempts=1,
        lease_until=now() + timedelta(seconds=1),
    )  # fmt: skip


def lease_left(operation: Operation) -> timedelta:
    until = Operation.objects.get(pk=operation.pk).lease_until
    assert until is not None
    return until - now()


def test_the_lease_is_extended_while_the_handler_runs() -> None:
    operation = running()
    with Heartbeat(operation, every=timedelta(milliseconds=20)):
        eventually(lambda: lease_left(operation) > LEASE / 2, "the lease grew", seconds=10)


def test_somebody_elses_lease_is_left_alone() -> None:
    operation, witness = running(), running()
    Operation.objects.filter(pk=operation.pk).update(owner="another")
    with (
        Heartbeat(operation, every=timedelta(milliseconds=20)),
        Heartbeat(witness, every=timedelta(milliseconds=20)),
    ):
        eventually(lambda: lease_left(witness) > LEASE / 2, "the witness's lease grew", seconds=10)
        assert lease_left(operation) <= timedelta(seconds=1)


def test_a_run_that_never_ends_loses_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that hangs without a time-out must not keep its customer's turn for ever."""
    monkeypatch.setattr("portal.jobs.heartbeat.LONGEST_RUN", timedelta(milliseconds=60))
    operation, before = running(), set(threading.enumerate())
    with Heartbeat(operation, every=timedelta(milliseconds=20)):
        eventually(lambda: lease_left(operation) > LEASE / 2, "the lease grew", seconds=10)
        eventually(lambda: set(threading.enumerate()) <= before, "the heart stopped", seconds=10)


def test_a_schedules_job_keeps_its_lease_as_long_as_it_runs() -> None:
    """Only where ``beats`` are given does it stop."""
    beats = Beats()
    with KeptLease(beats, lease=LEASE, every=timedelta(milliseconds=1), beats=3):  # type: ignore[arg-type]
        eventually(lambda: beats.number == 3, "three beats", seconds=10)
    assert beats.number == 3
    with KeptLease(beats, lease=LEASE, every=timedelta(milliseconds=1)):  # type: ignore[arg-type]
        eventually(lambda: beats.number > 50, "it went on", seconds=10)


class Beats:
    """A lease that counts how often it was extended."""

    number = 0

    def update(self, **values: object) -> None:
        self.number += 1
