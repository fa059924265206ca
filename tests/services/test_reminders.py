"""Reminders are made once each, for keys about which they are true."""

from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.jobs.run import run_inline
from portal.models import IssuedKey, Membership, Notice
from portal.services.actors import actor_of_user
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.services.notices import next_letter
from portal.services.reminders import prepare_reminders
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def new_key(owner: Membership, *, days: float, revealed: bool = True) -> IssuedKey:
    operation = request_key(
        SYSTEM, owner.customer_id, user=owner.user, name="production", expires_in=timedelta(days=days)
    )
    run_inline(operation)
    Notice.objects.filter(kind="key_issued").delete()  # that it was issued
    key = IssuedKey.objects.get(operations=operation)
    if revealed:
        reveal_key(actor_of_user(owner.user), key.pk)
    return key


def kinds() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def test_one_is_reminded_30_7_and_1_days_before_expiry_once_each(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    told = {}
    for day in range(1, 91):
        clock.advance(days=1)
        prepare_reminders()
        prepare_reminders()
        told[day] = kinds()
    assert told[59] == []
    assert told[60] == told[82] == ["expires_30d"]
    assert told[83] == told[88] == ["expires_30d", "expires_7d"]
    assert told[89] == told[90] == ["expires_30d", "expires_7d", "expires_1d"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0.5, []), (2, ["expires_1d"]), (6, ["expires_1d"]), (30, ["expires_7d", "expires_1d"])],
)
def test_a_key_that_lives_shorter_needs_no_such_warning(
    owner: Membership, clock: Clock, days: float, expected: list[str]
) -> None:
    new_key(owner, days=days)
    for _ in range(int(days * 4)):
        prepare_reminders()
        clock.advance(hours=6)
    assert kinds() == expected


def test_after_a_long_outage_only_the_nearest_reminder_is_made(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=85)
    prepare_reminders()
    assert kinds() == ["expires_7d"]


def test_a_reminder_that_is_weeks_late_is_not_made(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=70)
    prepare_reminders()
    assert kinds() == []


def test_keys_rotated_away_or_revoked_are_not_mentioned(owner: Membership, clock: Clock) -> None:
    rotated, revoked = new_key(owner, days=20), new_key(owner, days=20)
    clock.advance(days=12)
    run_inline(rotate_key(SYSTEM, rotated.pk, overlap=timedelta(days=5)))
    revoke_key(SYSTEM, revoked.pk)
    clock.advance(days=1)
    Notice.objects.all().delete()
    prepare_reminders()
    assert not Notice.objects.exists()


def test_an_unfetched_secret_is_told_of_on_its_fifth_day_once(owner: Membership, clock: Clock) -> None:
    key = new_key(owner, days=90, revealed=False)
    clock.advance(days=5, seconds=-1)
    prepare_reminders()
    assert kinds() == []
    clock.advance(seconds=1)
    prepare_reminders()
    prepare_reminders()
    assert kinds() == ["unrevealed"]
    letter = next_letter()
    assert letter is not None
    assert letter.about["deadline"] == key.activated_at + timedelta(days=7)  # type: ignore[operator]
    reveal_key(actor_of_user(owner.user), key.pk)
    assert next_letter() is None


def test_a_secret_whose_week_is_over_is_not_told_of(owner: Membership, clock: Clock) -> None:
    """No worker ran for long: the next one erases it."""
    new_key(owner, days=90, revealed=False)
    clock.advance(days=7)
    prepare_reminders()
    assert kinds() == []


def test_a_key_that_expires_before_its_secret_is_erased_is_not_told_of(
    owner: Membership, clock: Clock
) -> None:
    new_key(owner, days=6.5, revealed=False)
    clock.advance(days=5)
    prepare_reminders()
    assert kinds() == []


def test_a_fetched_secret_is_not_told_of(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=6)
    prepare_reminders()
    assert kinds() == []
