"""To whom a notice goes and what it says is found out when it is sent."""

from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.jobs.run import run_inline
from portal.models import Invitation, IssuedKey, Membership, Notice, User
from portal.services.actors import actor_of_user
from portal.services.customers import delete_customer, update_customer
from portal.services.invitations import invite, resend_invitation, withdraw_invitation
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.services.notices import Letter, Recipient, mark_sent, mark_told, next_letter
from portal.services.reminders import prepare_reminders
from portal.services.telling import FEW, tell_customer, tell_user
from tests.conftest import Clock
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
Kind = Notice.Kind


def new_key(owner: Membership, *, days: float = 20) -> IssuedKey:
    operation = request_key(
        SYSTEM, owner.customer_id, user=owner.user, name="production", expires_in=timedelta(days=days)
    )
    run_inline(operation)
    key = IssuedKey.objects.get(operations=operation)
    reveal_key(actor_of_user(owner.user), key.pk)
    return key


@pytest.fixture
def expiring(owner: Membership, clock: Clock) -> IssuedKey:
    """About which there is one notice: it expires in 7 days."""
    return about_to_expire(owner, clock)


def about_to_expire(owner: Membership, clock: Clock) -> IssuedKey:
    key = new_key(owner)
    Notice.objects.all().delete()
    clock.advance(days=13)
    prepare_reminders()
    return key


def letter() -> Letter:
    found = next_letter()
    assert found is not None
    return found


def told() -> list[str]:
    return sorted(recipient.address for recipient in letter().recipients)


def test_what_became_untrue_before_it_was_sent_is_dropped(expiring: IssuedKey) -> None:
    assert letter().about["key_id"] == expiring.public_id
    IssuedKey.objects.update(expires_at=None)
    assert next_letter() is None
    assert not Notice.objects.exists()


def test_the_keys_user_and_the_owners_are_told(owner: Membership, clock: Clock) -> None:
    developer = MembershipFactory(customer=owner.customer, role="developer")
    second = MembershipFactory(customer=owner.customer, role="owner")
    for role in ("admin", "developer", "viewer"):
        MembershipFactory(customer=owner.customer, role=role)
    MembershipFactory(role="owner")
    about_to_expire(developer, clock)
    assert told() == sorted([owner.user.email, second.user.email, developer.user.email])


def test_who_left_meanwhile_is_left_out(owner: Membership, clock: Clock) -> None:
    developer = MembershipFactory(customer=owner.customer, role="developer")
    MembershipFactory(customer=owner.customer, role="owner", user=UserFactory(is_active=False))
    about_to_expire(developer, clock)
    developer.delete()
    assert told() == [owner.user.email]


def test_with_nobody_left_to_tell_the_notice_is_done_with(expiring: IssuedKey, clock: Clock) -> None:
    Membership.objects.all().delete()
    assert next_letter() is None
    assert Notice.objects.get().sent_at == clock()


def test_what_was_sent_is_not_sent_again(expiring: IssuedKey) -> None:
    mark_sent(letter())
    prepare_reminders()
    assert next_letter() is None


def test_who_was_told_is_not_told_again_while_others_wait(expiring: IssuedKey, owner: Membership) -> None:
    second = MembershipFactory(customer=owner.customer, role="owner")
    found = letter()
    mark_told(found, next(one for one in found.recipients if one.user_id == owner.user_id))
    assert told() == [second.user.email]


def test_reminders_about_keys_of_one_person_go_out_in_one_letter_and_each_once(
    owner: Membership, clock: Clock
) -> None:
    developer = MembershipFactory(customer=owner.customer, role="developer")
    mine, late = new_key(owner), new_key(owner, days=20.5)
    theirs, foreign = new_key(developer), new_key(MembershipFactory())
    Notice.objects.all().delete()
    clock.advance(days=13.6)
    prepare_reminders()
    assert Notice.objects.count() == 4
    about = set()
    while (found := next_letter()) is not None:
        about.add((found.about.get("count"), found.about.get("key_id"), found.about["deadline"]))
        mark_sent(found)
    assert about == {
        (2, None, mine.expires_at), (None, theirs.public_id, theirs.expires_at),
        (None, foreign.public_id, foreign.expires_at),
    }  # fmt: skip
    assert late.expires_at != mine.expires_at
    prepare_reminders()
    assert next_letter() is None


def test_who_was_told_of_several_keys_is_told_of_none_again_while_others_wait(
    owner: Membership, clock: Clock
) -> None:
    second = MembershipFactory(customer=owner.customer, role="owner")
    for _ in range(2):
        new_key(owner)
    Notice.objects.all().delete()
    clock.advance(days=13)
    prepare_reminders()
    found = letter()
    assert next_letter(after=found.notice_id) is None  # those that wait are tried once a run
    mark_told(found, next(one for one in found.recipients if one.user_id == owner.user_id))
    assert told() == [second.user.email]
    assert letter().about["count"] == 2
    revoke_key(SYSTEM, IssuedKey.objects.latest("id").pk)
    assert "count" not in letter().about


def test_no_letter_shows_whose_it_is_in_a_log(expiring: IssuedKey, owner: Membership) -> None:
    assert owner.user.email not in repr(letter())
    assert owner.customer.name not in repr(letter())


@pytest.mark.parametrize(
    ("field", "kind"),
    [("wants_reminders", Kind.EXPIRES_IN_7_DAYS), ("wants_key_mail", Kind.KEY_ISSUED)],
)
def test_who_wants_no_such_mail_gets_none(
    owner: Membership, expiring: IssuedKey, field: str, kind: str
) -> None:
    Notice.objects.update(kind=kind)
    assert told() == [owner.user.email]
    User.objects.update(**{field: False})
    assert next_letter() is None


def test_revocations_are_told_whatever_one_wants(owner: Membership) -> None:
    User.objects.update(wants_key_mail=False, wants_reminders=False)
    key = new_key(owner)
    revoke_key(SYSTEM, key.pk, reason="leaked")
    found = letter()
    assert (found.kind, found.about["reason"]) == (Kind.KEY_REVOKED, "leaked")
    assert told() == [owner.user.email]


def test_a_new_key_is_told_of_and_a_successor_as_such(owner: Membership) -> None:
    key = new_key(owner)
    assert letter().kind == Kind.KEY_ISSUED
    mark_sent(letter())
    run_inline(rotate_key(SYSTEM, key.pk, overlap=timedelta(hours=5)))
    key.refresh_from_db()
    assert (letter().kind, letter().about["old_ends_at"]) == (Kind.KEY_ROTATED, key.retires_at)


def test_of_a_key_that_was_revoked_meanwhile_only_its_end_is_told(owner: Membership) -> None:
    revoke_key(SYSTEM, new_key(owner).pk)
    assert letter().kind == Kind.KEY_REVOKED
    assert Notice.objects.count() == 1


def test_a_key_that_never_worked_is_not_told_of(owner: Membership) -> None:
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="production")
    revoke_key(SYSTEM, operation.key_id)  # type: ignore[arg-type]  # of a key's own operation it is set
    assert not Notice.objects.exists()


@pytest.mark.parametrize("number", [1, FEW, FEW + 1, 20])
def test_many_keys_that_end_at_once_are_told_of_in_one_mail(owner: Membership, number: int) -> None:
    IssuedKey.objects.bulk_create(
        IssuedKey(
            customer=owner.customer, user=owner.user, name=f"{n}", plugin="jwt", status="active",
            activated_at=now(), fingerprint=f"{n}", external_id=f"{n}",
        )
        for n in range(number)
    )  # fmt: skip
    update_customer(SYSTEM, owner.customer_id, {"status": "suspended"})
    if number <= FEW:
        assert Notice.objects.count() == number
    else:
        assert letter().about["count"] == number
        assert letter().about["reason"] == "The customer was suspended."
        assert Notice.objects.count() == 1


def test_of_many_keys_that_end_at_once_each_person_is_told_of_their_own(owner: Membership) -> None:
    admin = MembershipFactory(customer=owner.customer, role="admin")
    developer, idle = (MembershipFactory(customer=owner.customer, role="developer") for _ in range(2))
    IssuedKey.objects.bulk_create(
        IssuedKey(
            customer=owner.customer, user=member.user, name=f"{n}", plugin="jwt", status="active",
            activated_at=now(), fingerprint=f"{n}", external_id=f"{n}",
        )
        for n, member in enumerate([owner, admin, developer, developer, developer])
    )  # fmt: skip
    update_customer(SYSTEM, owner.customer_id, {"status": "suspended"})
    numbers = {}
    while (found := next_letter()) is not None:
        numbers |= {one.user_id: found.about["count"] for one in found.recipients}
        mark_sent(found)
    assert numbers == {owner.user_id: 5, admin.user_id: 5, developer.user_id: 3}
    assert idle.user_id not in numbers


def test_a_customer_is_told_through_its_owners_and_admins(owner: Membership) -> None:
    admin = MembershipFactory(customer=owner.customer, role="admin")
    for role in ("developer", "viewer"):
        MembershipFactory(customer=owner.customer, role=role)
    tell_customer(owner.customer, Kind.PLAN_DECLINED, plan="Growth", reason="No.")
    assert told() == sorted([owner.user.email, admin.user.email])
    assert letter().about == {"plan": "Growth", "reason": "No.", "customer_name": owner.customer.name}


def test_of_a_deleted_customer_nobody_is_told(owner: Membership) -> None:
    tell_customer(owner.customer, Kind.CUSTOMER_APPROVED)
    delete_customer(SYSTEM, owner.customer_id)
    assert next_letter() is None


def test_a_person_is_told_in_the_language_they_chose(owner: Membership, clock: Clock) -> None:
    User.objects.filter(pk=owner.user_id).update(language="de", time_zone="Europe/Berlin")
    tell_user(owner.user, Kind.NEW_DEVICE, browser="Firefox", address="192.0.2.1", at=clock())
    assert letter().recipients == (Recipient(owner.user.email, owner.user_id, "de", "Europe/Berlin"),)
    assert letter().about == {"browser": "Firefox", "address": "192.0.2.1", "at": clock()}


def test_one_is_welcomed_once(owner: Membership) -> None:
    for _ in range(2):
        tell_user(owner.user, Kind.WELCOME)
    mark_sent(letter())
    tell_user(owner.user, Kind.WELCOME)
    assert next_letter() is None


@pytest.fixture
def invitation(owner: Membership) -> Invitation:
    return invite(actor_of_user(owner.user), owner.customer_id, email="new@example.com", role="viewer")


def test_the_invited_address_is_told_with_its_link(invitation: Invitation, owner: Membership) -> None:
    found = letter()
    assert found.recipients == (Recipient("new@example.com"),)
    assert found.about["customer_name"] == owner.customer.name
    assert "/invitations/" in found.about["invitation_url"]


def test_an_invited_user_is_told_as_they_like_it(invitation: Invitation) -> None:
    user = UserFactory(email="new@example.com", language="de")
    assert letter().recipients == (Recipient("new@example.com", user.pk, "de"),)


def test_of_an_invitation_sent_again_only_the_newest_link_is_mailed(
    invitation: Invitation, owner: Membership, clock: Clock
) -> None:
    clock.advance(hours=1)
    resend_invitation(actor_of_user(owner.user), owner.customer_id, invitation.public_id)
    assert letter().notice_id == Notice.objects.order_by("-pk")[0].pk
    assert Notice.objects.count() == 1


def test_an_invitation_that_ended_is_not_mailed(
    invitation: Invitation, owner: Membership, clock: Clock
) -> None:
    actor = actor_of_user(owner.user)
    late = invite(actor, owner.customer_id, email="late@example.com", role="viewer")
    withdraw_invitation(actor, owner.customer_id, invitation.public_id)
    assert letter().recipients == (Recipient("late@example.com"),)
    Invitation.objects.filter(pk=late.pk).update(expires_at=clock())
    assert next_letter() is None
    assert not Notice.objects.exists()


def test_nobody_is_invited_to_a_deleted_customer(invitation: Invitation, owner: Membership) -> None:
    delete_customer(SYSTEM, owner.customer_id)
    assert next_letter() is None
