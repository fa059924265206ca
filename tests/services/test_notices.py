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
from portal.services.notices import Letter, mark_sent, next_letter, prepare_notices
from tests.conftest import Clock
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def new_key(owner: Membership, *, days: float, revealed: bool = True) -> IssuedKey:
    operation = request_key(
        SYSTEM, owner.customer_id, user=owner.user, name="production", expires_in=timedelta(days=days)
    )
    run_inline(operation)
    key = IssuedKey.objects.get(operations=operation)
    if revealed:
        reveal_key(actor_of_user(owner.user), key.pk)
    return key


def kinds() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def letter() -> Letter:
    found = next_letter()
    assert found is not None
    return found


def test_one_is_reminded_30_7_and_1_days_before_expiry_once_each(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    told = {}
    for day in range(1, 91):
        clock.advance(days=1)
        prepare_notices()
        prepare_notices()
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
        prepare_notices()
        clock.advance(hours=6)
    assert kinds() == expected


def test_after_a_long_outage_only_the_nearest_reminder_is_made(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=85)
    prepare_notices()
    assert kinds() == ["expires_7d"]


def test_a_reminder_that_is_weeks_late_is_not_made(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=70)
    prepare_notices()
    assert kinds() == []


def test_keys_rotated_away_or_revoked_are_not_mentioned(owner: Membership, clock: Clock) -> None:
    rotated, revoked = new_key(owner, days=20), new_key(owner, days=20)
    clock.advance(days=12)
    run_inline(rotate_key(SYSTEM, rotated.pk, overlap=timedelta(days=5)))
    revoke_key(SYSTEM, revoked.pk)
    clock.advance(days=1)
    prepare_notices()
    assert not Notice.objects.filter(key__in=[rotated, revoked]).exists()


def test_what_became_untrue_before_it_was_sent_is_dropped(owner: Membership, clock: Clock) -> None:
    key = new_key(owner, days=20)
    clock.advance(days=13)
    prepare_notices()
    assert letter().key_id == key.public_id
    revoke_key(SYSTEM, key.pk)
    assert next_letter() is None
    assert not Notice.objects.exists()


def test_the_keys_user_and_the_owners_are_told(owner: Membership, clock: Clock) -> None:
    developer = MembershipFactory(customer=owner.customer, role="developer")
    second = MembershipFactory(customer=owner.customer, role="owner")
    for role in ("admin", "developer", "viewer"):
        MembershipFactory(customer=owner.customer, role=role)
    MembershipFactory(role="owner")
    new_key(developer, days=20)
    clock.advance(days=13)
    prepare_notices()
    assert sorted(letter().recipients) == sorted([owner.user.email, second.user.email, developer.user.email])


def test_who_left_meanwhile_is_left_out(owner: Membership, clock: Clock) -> None:
    developer = MembershipFactory(customer=owner.customer, role="developer")
    shut_out = MembershipFactory(customer=owner.customer, role="owner", user=UserFactory(is_active=False))
    new_key(developer, days=20)
    developer.delete()
    clock.advance(days=13)
    prepare_notices()
    assert letter().recipients == (owner.user.email,)
    assert shut_out.user.email not in letter().recipients


def test_with_nobody_left_to_tell_the_notice_is_done_with(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=20)
    clock.advance(days=13)
    prepare_notices()
    Membership.objects.all().delete()
    assert next_letter() is None
    assert Notice.objects.get().sent_at == clock()


def test_what_was_sent_is_not_sent_again(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=20)
    clock.advance(days=13)
    prepare_notices()
    mark_sent(letter().notice_id)
    prepare_notices()
    assert next_letter() is None


def test_an_unfetched_secret_is_told_of_on_its_fifth_day_once(owner: Membership, clock: Clock) -> None:
    key = new_key(owner, days=90, revealed=False)
    clock.advance(days=5, seconds=-1)
    prepare_notices()
    assert kinds() == []
    clock.advance(seconds=1)
    prepare_notices()
    prepare_notices()
    assert kinds() == ["unrevealed"]
    assert letter().deadline == key.activated_at + timedelta(days=7)  # type: ignore[operator]
    reveal_key(actor_of_user(owner.user), key.pk)
    assert next_letter() is None


def test_a_secret_whose_week_is_over_is_not_told_of(owner: Membership, clock: Clock) -> None:
    """No worker ran for long: the next one erases it."""
    new_key(owner, days=90, revealed=False)
    clock.advance(days=7)
    prepare_notices()
    assert kinds() == []


def test_a_key_that_expires_before_its_secret_is_erased_is_not_told_of(
    owner: Membership, clock: Clock
) -> None:
    new_key(owner, days=6.5, revealed=False)
    clock.advance(days=5)
    prepare_notices()
    assert kinds() == []


def test_a_fetched_secret_is_not_told_of(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=90)
    clock.advance(days=6)
    prepare_notices()
    assert kinds() == []


def test_no_letter_shows_whose_it_is_in_a_log(owner: Membership, clock: Clock) -> None:
    new_key(owner, days=20)
    clock.advance(days=13)
    prepare_notices()
    assert owner.user.email not in repr(letter())
    assert owner.customer.name not in repr(letter())
