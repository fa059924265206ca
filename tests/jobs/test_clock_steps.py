"""A clock that is put forward or back delays nothing for long and lets nothing happen too early."""

from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.clock import Moment, elapsed_since, moment
from portal.jobs.claim import claim_operation, free_abandoned, next_due_at
from portal.jobs.run import run_operation
from portal.models import Membership, Operation
from portal.services.keys.request import request_key
from portal.services.operations.queue import LEASE
from provisioning.errors import Transient
from tests.conftest import Clock
from tests.jobs.listing import Listing, provider  # noqa: F401  # a fixture


def test_time_is_measured_by_uptime_on_the_same_host() -> None:
    present = moment()
    assert present.boot, "no boot id on this machine"
    stepped = Moment(present.at - timedelta(hours=1), present.boot, present.uptime)
    assert elapsed_since(stepped) < timedelta(minutes=1)


def test_time_is_measured_by_the_calendar_across_hosts() -> None:
    present = moment()
    elsewhere = Moment(present.at - timedelta(hours=1), "another boot", present.uptime)
    assert elapsed_since(elsewhere) >= timedelta(hours=1)


@pytest.fixture
def queued(db: None, provider: Listing, owner: Membership, clock: Clock) -> Operation:  # noqa: F811
    return request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")


def test_a_lost_request_settles_in_real_time(
    queued: Operation, provider: Listing, clock: Clock, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    """The calendar jumps an hour ahead, the host's uptime doesn't: nothing is looked up yet."""
    before = moment()
    provider.lose_answers = 1
    run_operation(claim_operation())  # type: ignore[arg-type]
    clock.advance(hours=1)
    monkeypatch.setattr("portal.core.clock.moment", lambda: Moment(clock(), before.boot, before.uptime + 1))
    run_operation(claim_operation())  # type: ignore[arg-type]
    assert Operation.objects.get().error_code == "settling"


def test_what_was_planned_before_the_clock_was_put_back_is_due(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    provider.refusals = [Transient("busy", retry_after=timedelta(seconds=30))]
    run_operation(claim_operation())  # type: ignore[arg-type]
    clock.advance(hours=-1)
    assert claim_operation() is None
    free_abandoned()
    assert claim_operation() is not None


def test_a_lease_from_before_the_clock_was_put_back_is_none(queued: Operation, clock: Clock) -> None:
    claim_operation()
    assert free_abandoned() == 0
    clock.advance(hours=-1)
    assert free_abandoned() == 1


def test_a_lease_that_has_run_out_is_free(queued: Operation, clock: Clock) -> None:
    claim_operation()
    clock.at += LEASE
    assert free_abandoned() == 1


def test_the_next_due_instant_is_known(queued: Operation, provider: Listing, clock: Clock) -> None:  # noqa: F811
    assert next_due_at() is None
    provider.refusals = [Transient("busy", retry_after=timedelta(seconds=30))]
    run_operation(claim_operation())  # type: ignore[arg-type]
    assert next_due_at() == clock() + timedelta(seconds=30)
