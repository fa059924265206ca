"""A plugin that takes longer than a lease keeps its operation."""

from datetime import timedelta

import pytest

from portal.core.clock import now
from portal.jobs.heartbeat import Heartbeat
from portal.models import Operation
from portal.services.operations import LEASE
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
