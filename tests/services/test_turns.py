from datetime import timedelta

import pytest

from portal.core.stopping import Stopping, stopping
from portal.services.turns import LONGEST_HOLD, LONGEST_QUEUE, DatabaseRates
from provisioning.contract import Rate
from provisioning.errors import Transient
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, in seconds; nobody really waits."""
    waited: list[float] = []
    monkeypatch.setattr(stopping, "wait", waited.append)
    return waited


def test_turns_are_evenly_spaced(waits: list[float], clock: Clock) -> None:
    for _ in range(4):
        DatabaseRates().take("remote calls", Rate(per_second=2))
    assert [round(wait, 3) for wait in waits] == [0.5, 1.0, 1.5]


def test_a_burst_follows_a_quiet_time(waits: list[float], clock: Clock) -> None:
    for _ in range(4):
        DatabaseRates().take("remote calls", Rate(per_second=2, burst=3))
    assert [round(wait, 3) for wait in waits] == [0.5]


def test_unused_turns_are_not_saved_up(waits: list[float], clock: Clock) -> None:
    DatabaseRates().take("remote calls", Rate(per_second=2))
    clock.advance(hours=1)
    for _ in range(2):
        DatabaseRates().take("remote calls", Rate(per_second=2))
    assert [round(wait, 3) for wait in waits] == [0.5]


def test_buckets_are_apart(waits: list[float], clock: Clock) -> None:
    for bucket in ("one", "other"):
        DatabaseRates().take(bucket, Rate(per_second=1))
    assert waits == []


def test_a_turn_too_far_off_is_not_waited_for(waits: list[float], clock: Clock) -> None:
    rate = Rate(per_second=0.1)
    DatabaseRates().take("slow", rate)
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            DatabaseRates().take("slow", rate)
        assert caught.value.retry_after == timedelta(seconds=10), "a refusal takes no turn"
    assert waits == []


def test_a_held_bucket_gives_nobody_a_turn(waits: list[float], clock: Clock) -> None:
    DatabaseRates().hold("remote calls", timedelta(seconds=60))
    with pytest.raises(Transient) as caught:
        DatabaseRates().take("remote calls", Rate(per_second=100))
    assert caught.value.retry_after == timedelta(seconds=60)
    clock.advance(seconds=60)
    DatabaseRates().take("remote calls", Rate(per_second=100))
    assert waits == []


def test_a_turn_given_before_the_bucket_was_held_does_not_count(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    rates, rate, waited = DatabaseRates(), Rate(per_second=1), list[float]()

    def wait(seconds: float) -> None:
        if not waited:
            rates.hold("remote calls", timedelta(seconds=3))
        waited.append(seconds)
        clock.at += timedelta(seconds=seconds)

    monkeypatch.setattr(stopping, "wait", wait)
    rates.take("remote calls", rate)
    began_at = clock.at
    rates.take("remote calls", rate)
    assert clock.at - began_at >= timedelta(seconds=3)


def test_a_clock_put_back_does_not_shut_the_bucket(waits: list[float], clock: Clock) -> None:
    DatabaseRates().take("remote calls", Rate(per_second=1))
    clock.advance(hours=-1)
    DatabaseRates().take("remote calls", Rate(per_second=1))
    assert waits == []


def test_a_hold_lasts_for_as_long_as_the_provider_said(waits: list[float], clock: Clock) -> None:
    DatabaseRates().hold("remote calls", timedelta(minutes=50))
    clock.at += timedelta(minutes=40)
    with pytest.raises(Transient) as caught:
        DatabaseRates().take("remote calls", Rate(per_second=1))
    assert caught.value.retry_after == timedelta(minutes=10)


def test_no_hold_is_longer_than_its_bound(waits: list[float], clock: Clock) -> None:
    DatabaseRates().hold("remote calls", timedelta(days=3))
    clock.at += LONGEST_HOLD
    DatabaseRates().take("remote calls", Rate(per_second=1))
    assert waits == []


@pytest.mark.parametrize("per_hour", [1, 3])
def test_turns_may_be_further_apart_than_the_longest_hold(
    waits: list[float], clock: Clock, per_hour: int
) -> None:
    rate, interval = Rate(per_second=per_hour / 3600), timedelta(hours=1 / per_hour)
    assert interval > LONGEST_QUEUE
    for _ in range(3):
        DatabaseRates().take("slow", rate)
        with pytest.raises(Transient) as caught:
            DatabaseRates().take("slow", rate)
        assert caught.value.retry_after == interval
        clock.at += interval
    assert waits == []


def test_a_worker_that_is_told_to_end_does_not_use_a_turn_that_is_to_come(clock: Clock) -> None:
    DatabaseRates().take("remote calls", Rate(per_second=0.5))
    stopping.set()
    try:
        with pytest.raises(Stopping):
            DatabaseRates().take("remote calls", Rate(per_second=0.5))
    finally:
        stopping.clear()
