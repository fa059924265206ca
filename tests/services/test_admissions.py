"""Sliding limits: exact at every moment, whatever the clock does. Races: tests/concurrency."""

from datetime import timedelta

import pytest
from django.db import transaction

from portal.core.limits import Limit
from portal.models import AdmissionCount, AdmissionSlot
from portal.services.admissions import Subject, admit
from portal.services.purge import purge
from tests.conftest import Clock

pytestmark = pytest.mark.django_db(transaction=True)
THREE = Limit(3, timedelta(minutes=1))
ADA, BOB = Subject("ada", THREE), Subject("bob", Limit(1, timedelta(hours=1)))


def waits(*subjects: Subject) -> list[float]:
    """Ask once, as callers do: refused is rolled back. Returns the seconds to wait, of those refused."""
    with transaction.atomic():
        refused = admit(subjects)
        transaction.set_rollback(bool(refused))
    return [wait.total_seconds() for wait in refused.values()]


def test_a_window_slides(clock: Clock) -> None:
    for _ in range(3):
        assert waits(ADA) == []
        clock.advance(seconds=10)
    assert waits(ADA) == [pytest.approx(30)]
    clock.advance(seconds=29.9)
    assert waits(ADA) == [pytest.approx(0.1)]
    clock.advance(seconds=0.1)
    assert waits(ADA) == []
    assert waits(ADA) == [pytest.approx(10)]


def test_no_window_ever_holds_more(clock: Clock) -> None:
    admitted = []
    for step in range(400):
        clock.advance(seconds=(step * 7919 % 23) / 2)
        if not waits(ADA):
            admitted.append(clock().timestamp())
    assert all(later - earlier >= 60 for earlier, later in zip(admitted, admitted[3:], strict=False))
    assert len(admitted) > 80


def test_who_is_refused_for_one_limit_is_not_counted_at_another(clock: Clock) -> None:
    assert waits(ADA, BOB) == []
    for _ in range(5):
        assert waits(ADA, BOB) == [pytest.approx(3600)]
    assert waits(ADA) == waits(ADA) == []
    assert waits(ADA) != []


def test_subjects_are_apart(clock: Clock) -> None:
    assert [waits(ADA) for _ in range(4)][3] != []
    assert waits(Subject("eve", THREE)) == []


@pytest.mark.parametrize("hours", [1, -1])
def test_a_step_of_the_clock_opens_or_shuts_for_one_window_at_most(clock: Clock, hours: int) -> None:
    for _ in range(3):
        waits(ADA)
    clock.advance(hours=hours)
    assert sum(waits(ADA) == [] for _ in range(10)) <= 3  # open: once
    clock.advance(seconds=61)
    assert [waits(ADA) for _ in range(3)] == [[], [], []]  # shut: no longer than a window
    assert waits(ADA) != []
    clock.advance(hours=-hours)
    clock.advance(seconds=61)
    assert waits(ADA) == []


def test_what_is_free_is_purged(clock: Clock) -> None:
    waits(ADA, BOB)
    clock.advance(minutes=3)
    purge()
    assert set(AdmissionSlot.objects.values_list("subject", flat=True)) == {"bob"}
    assert set(AdmissionCount.objects.values_list("subject", flat=True)) == {"bob"}
    assert waits(BOB) == [pytest.approx(3600 - 180)]
