"""Who may invite whom, how often, and which links let somebody in."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.urls import resolve

from portal.core.actor import SYSTEM, Actor
from portal.core.errors import Conflict, Gone, Invalid, LimitReached, NotAllowed, NotFound
from portal.models import AuditEvent, Customer, Invitation, Membership, Notice, User
from portal.services.actors import actor_of_user
from portal.services.customers import delete_customer, update_customer
from portal.services.invitations import (
    invitation_link,
    invite,
    resend_invitation,
    withdraw_invitation,
)
from portal.services.joining import Ended, accept_invitation, has_account, opened_invitation
from portal.services.members import remove_member, transfer_ownership, update_member
from portal.services.purge import purge
from portal.services.users import update_user
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def invited(owner: Membership, email: str = "ada@acme.example", role: str = "developer") -> Invitation:
    return invite(actor_of_user(owner.user), owner.customer_id, email=email, role=role)


def token_of(invitation: Invitation) -> str:
    return invitation_link(invitation).rpartition("/")[2]


def state(invitation: Invitation) -> Ended | None:
    return opened_invitation(token_of(Invitation.objects.get(pk=invitation.pk)))[1]


def admin_of(owner: Membership) -> Membership:
    return MembershipFactory(customer=owner.customer, role="admin")


def by(member: Membership) -> Actor:
    return actor_of_user(member.user)


def test_an_invitation_is_mailed_lasts_7_days_and_is_in_the_audit_log(
    owner: Membership, clock: Clock
) -> None:
    invitation = invited(owner, " Ada@Acme.Example ")
    assert (invitation.email, invitation.role) == ("ada@acme.example", "developer")
    assert invitation.expires_at == clock() + timedelta(days=7)
    notice = Notice.objects.get(invitation=invitation)
    assert (notice.kind, notice.detail) == ("invitation", {"version": 1})
    event = AuditEvent.objects.get(action="invitation.created")
    assert (event.object, event.customer, event.detail) == (
        invitation.public_id, owner.customer, {"role": "developer"},
    )  # fmt: skip


def test_the_link_opens_that_invitation_and_no_other(owner: Membership) -> None:
    first, second = invited(owner), invited(owner, "bob@acme.example")
    link = invitation_link(first)
    assert link.startswith(f"{settings.PORTAL_BASE_URL}/invitations/")
    assert resolve(link.removeprefix(settings.PORTAL_BASE_URL)).url_name == "invitation"
    assert opened_invitation(token_of(first)) == (first, None)
    forged = token_of(first).replace(first.public_id, second.public_id)
    for wrong in (forged, token_of(first)[:-1], first.public_id, f"{first.public_id}.1", ""):
        with pytest.raises(NotFound):
            opened_invitation(wrong)


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", f"{'x' * 250}@acme.example", "a@b.example\nBcc: x@y.z"]
)
def test_what_is_no_address_is_not_invited(owner: Membership, email: str) -> None:
    with pytest.raises(Invalid):
        invited(owner, email)
    assert not Notice.objects.exists()


def test_an_unknown_role_is_refused(owner: Membership) -> None:
    with pytest.raises(Invalid):
        invited(owner, role="emperor")


def test_members_are_not_invited_by_any_of_their_addresses(owner: Membership) -> None:
    EmailAddress.objects.create(user=owner.user, email="second@acme.example", verified=True)
    for email in (owner.user.email.upper(), "second@acme.example"):
        with pytest.raises(Conflict) as refused:
            invited(owner, email)
        assert refused.value.code == "already_member"


def test_somebody_invited_already_is_not_invited_twice_until_it_expires(
    owner: Membership, clock: Clock
) -> None:
    first = invited(owner)
    with pytest.raises(Conflict) as refused:
        invited(owner, "ADA@acme.example")
    assert refused.value.code == "already_invited"
    clock.advance(days=7)
    again = invited(owner)
    assert again.pk != first.pk
    assert (state(first), state(again)) == (Ended.WITHDRAWN, None)


def test_the_same_person_may_be_invited_by_two_customers(owner: Membership) -> None:
    assert invited(owner).customer_id != invited(MembershipFactory()).customer_id


def test_50_invitations_are_open_at_most(owner: Membership, clock: Clock) -> None:
    actor = by(owner)
    for number in range(50):
        invite(actor, owner.customer_id, email=f"p{number}@acme.example", role="viewer")
    with pytest.raises(LimitReached) as refused:
        invited(owner)
    assert refused.value.code == "invitation_limit"
    withdraw_invitation(actor, owner.customer_id, Invitation.objects.first().public_id)  # type: ignore[union-attr]
    invited(owner)
    clock.advance(days=7)
    invited(owner, "later@acme.example")


@pytest.mark.parametrize("status", ["pending", "suspended", "closed"])
def test_only_active_customers_invite_and_take_in(owner: Membership, status: str) -> None:
    ada, invitation = UserFactory(email="ada@acme.example"), invited(owner)
    Customer.objects.filter(pk=owner.customer_id).update(status=status)
    with pytest.raises(Conflict) as refused:
        invited(owner, "other@acme.example")
    assert refused.value.code == "customer_not_active"
    with pytest.raises(Conflict):
        resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    with pytest.raises(Gone):
        accept_invitation(ada, invitation)
    assert state(invitation) is Ended.CUSTOMER


def test_only_owners_invite_owners(owner: Membership) -> None:
    admin = admin_of(owner)
    with pytest.raises(NotAllowed) as refused:
        invited(admin, role="owner")
    assert refused.value.code == "owner_required"
    assert invited(admin, role="admin").role == "admin"
    assert invited(owner, "second@acme.example", role="owner").role == "owner"


def test_sending_again_ends_the_older_link(owner: Membership, clock: Clock) -> None:
    invitation = invited(owner)
    old = token_of(invitation)
    clock.advance(days=6)
    again = resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    assert again.expires_at == clock() + timedelta(days=7)
    assert opened_invitation(old)[1] is Ended.REPLACED
    assert opened_invitation(token_of(again))[1] is None
    assert [notice.detail["version"] for notice in Notice.objects.order_by("pk")] == [1, 2]
    with pytest.raises(Gone):
        accept_invitation(UserFactory(email="ada@acme.example"), invitation)  # as the older link opened it


def test_it_is_sent_again_once_a_minute_at_most(owner: Membership, clock: Clock) -> None:
    invitation = invited(owner)
    for wait in (0, 59):
        clock.advance(seconds=wait)
        with pytest.raises(LimitReached) as refused:
            resend_invitation(by(owner), owner.customer_id, invitation.public_id)
        assert refused.value.code == "invitation_just_sent"
    clock.advance(seconds=1)
    resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    with pytest.raises(LimitReached):
        resend_invitation(by(owner), owner.customer_id, invitation.public_id)


def test_one_that_expired_can_be_sent_again(owner: Membership, clock: Clock) -> None:
    invitation = invited(owner)
    clock.advance(days=7)
    assert state(invitation) is Ended.EXPIRED
    resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    assert state(invitation) is None


def test_an_admin_sends_no_owners_invitation_again(owner: Membership, clock: Clock) -> None:
    invitation = invited(owner, role="owner")
    clock.advance(minutes=2)
    with pytest.raises(NotAllowed):
        resend_invitation(by(admin_of(owner)), owner.customer_id, invitation.public_id)


def test_what_was_withdrawn_lets_nobody_in(owner: Membership) -> None:
    invitation = invited(owner)
    for _ in range(2):
        withdraw_invitation(by(owner), owner.customer_id, invitation.public_id)
    assert AuditEvent.objects.filter(action="invitation.withdrawn").count() == 1
    with pytest.raises(Gone):
        accept_invitation(UserFactory(email="ada@acme.example"), invitation)
    with pytest.raises(Conflict):
        resend_invitation(by(owner), owner.customer_id, invitation.public_id)


def test_another_customers_invitation_is_not_there(owner: Membership) -> None:
    stranger, invitation = MembershipFactory(), invited(owner)
    for change in (resend_invitation, withdraw_invitation):
        with pytest.raises(NotFound):
            change(by(stranger), stranger.customer_id, invitation.public_id)
    assert state(invitation) is None


def test_accepting_makes_a_member_once(owner: Membership) -> None:
    ada, invitation = UserFactory(email="ada@acme.example"), invited(owner, role="admin")
    first, second = (accept_invitation(ada, invitation) for _ in range(2))
    assert first == second
    assert (first.customer, first.role) == (owner.customer, "admin")
    event = AuditEvent.objects.get(action="invitation.accepted")
    assert (event.actor, event.object) == (f"user {ada.public_id}", invitation.public_id)
    assert state(invitation) is Ended.ACCEPTED
    with pytest.raises(Conflict):
        withdraw_invitation(by(owner), owner.customer_id, invitation.public_id)


def test_whoever_left_does_not_come_back_by_the_link_they_used(owner: Membership) -> None:
    ada, invitation = UserFactory(email="ada@acme.example"), invited(owner)
    accept_invitation(ada, invitation)
    remove_member(by(owner), owner.customer_id, ada.pk)
    with pytest.raises(Gone):
        accept_invitation(ada, invitation)


def test_a_secondary_address_counts_once_it_is_proven(owner: Membership) -> None:
    person, invitation = UserFactory(), invited(owner)
    address = EmailAddress.objects.create(user=person, email="ada@acme.example", verified=False)
    with pytest.raises(NotAllowed) as refused:
        accept_invitation(person, invitation)
    assert refused.value.code == "invitation_for_another"
    assert not has_account(invitation)
    address.verified = True
    address.save()
    assert has_account(invitation)
    assert accept_invitation(person, invitation).user == person


def test_nobody_else_accepts_it(owner: Membership) -> None:
    invitation = invited(owner)
    with pytest.raises(NotAllowed):
        accept_invitation(UserFactory(), invitation)
    with pytest.raises(NotAllowed):
        accept_invitation(UserFactory(email="ada@acme.example", proven=False), invitation)
    assert Membership.objects.filter(customer=owner.customer).count() == 1


def test_who_was_added_meanwhile_keeps_their_role(owner: Membership) -> None:
    invitation = invited(owner, role="viewer")
    added = MembershipFactory(
        customer=owner.customer, user=UserFactory(email="ada@acme.example"), role="admin"
    )
    assert accept_invitation(added.user, invitation).role == "admin"


def _removed(owner: Membership, admin: Membership) -> None:
    remove_member(by(owner), owner.customer_id, admin.user_id)


def _demoted(owner: Membership, admin: Membership) -> None:
    update_member(by(owner), owner.customer_id, admin.user_id, role="developer")


def _deactivated(owner: Membership, admin: Membership) -> None:
    UserFactory(is_staff=True, is_superuser=True)  # somebody has to be
    update_user(SYSTEM, admin.user_id, {"is_active": False})


def _deleted(owner: Membership, admin: Membership) -> None:
    User.objects.filter(pk=admin.user_id).delete()


@pytest.mark.parametrize("ending", [_removed, _demoted, _deactivated, _deleted])
def test_an_invitation_ends_with_its_inviters_right_to_invite(owner: Membership, ending: Any) -> None:
    admin = admin_of(owner)
    invitation, ada = invited(admin), UserFactory(email="ada@acme.example")
    ending(owner, admin)
    with pytest.raises(Gone):
        accept_invitation(ada, invitation)
    assert not Membership.objects.filter(user=ada).exists()


def test_an_invitation_by_somebody_who_lost_their_role_elsewhere_ends(owner: Membership) -> None:
    """However the role went: nothing that a former admin sent opens anything."""
    admin = admin_of(owner)
    invitation = invited(admin)
    Membership.objects.filter(pk=admin.pk).update(role="viewer")
    assert state(invitation) is Ended.INVITER
    Membership.objects.filter(pk=admin.pk).update(role="admin")
    assert state(invitation) is None


def test_a_former_owners_invitations_to_own_end_and_others_stay(owner: Membership) -> None:
    heir = admin_of(owner)
    to_own, to_look = invited(owner, role="owner"), invited(owner, "bob@acme.example", "viewer")
    transfer_ownership(by(owner), owner.customer_id, heir.user_id)
    assert (state(to_own), state(to_look)) == (Ended.WITHDRAWN, None)


def test_sending_again_vouches_for_what_another_sent(owner: Membership, clock: Clock) -> None:
    admin = admin_of(owner)
    invitation = invited(admin)
    clock.advance(minutes=1)
    resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    remove_member(by(owner), owner.customer_id, admin.user_id)
    assert state(invitation) is None


def test_a_customer_that_closes_ends_its_invitations_and_one_deleted_forgets_them(owner: Membership) -> None:
    invitation = invited(owner)
    update_customer(SYSTEM, owner.customer_id, {"status": "closed"})
    assert state(invitation) is Ended.CUSTOMER
    delete_customer(SYSTEM, owner.customer_id)
    assert not Invitation.objects.exists()


def test_addresses_are_forgotten_30_days_after_the_last_link_ended(owner: Membership, clock: Clock) -> None:
    invited(owner)
    clock.advance(days=36)
    assert purge()["invitations"] == 0
    clock.advance(days=1)
    assert purge(dry_run=True)["invitations"] == 1
    purge()
    assert not Invitation.objects.exists()


def test_the_audit_log_holds_no_address(owner: Membership, clock: Clock) -> None:
    invitation = invited(owner)
    clock.advance(minutes=2)
    resend_invitation(by(owner), owner.customer_id, invitation.public_id)
    accept_invitation(UserFactory(email="ada@acme.example"), Invitation.objects.get())
    for event in AuditEvent.objects.all():
        assert "@" not in f"{event.object} {event.detail} {event.actor}"


def test_a_customer_without_people_invites_nobody_by_mistake(owner: Membership) -> None:
    """The inviter's right is looked up at the invitation's customer, not at another of theirs."""
    other = CustomerFactory()
    MembershipFactory(user=owner.user, customer=other, role="viewer")
    with pytest.raises(NotAllowed):
        invite(by(owner), other.pk, email="ada@acme.example", role="admin")
