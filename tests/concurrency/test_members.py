"""People of one customer who change each other, or join, at the same moment."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.errors import PortalError
from portal.models import AuditEvent, Invitation, Membership
from portal.services.actors import actor_of_user
from portal.services.invitations import invite
from portal.services.joining import accept_invitation
from portal.services.members import remove_member, transfer_ownership, update_member
from tests.concurrency.test_limits import together
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
Change = Callable[[Any, Membership, Membership], object]


def remove(actor: Any, me: Membership, other: Membership) -> object:
    return remove_member(actor, me.customer_id, other.user_id)


def demote(actor: Any, me: Membership, other: Membership) -> object:
    return update_member(actor, me.customer_id, other.user_id, role="viewer")


def step_down(actor: Any, me: Membership, other: Membership) -> object:
    return update_member(actor, me.customer_id, me.user_id, role="viewer")


@pytest.mark.parametrize("change", [remove, demote, step_down])
def test_of_two_owners_who_unmake_each_other_one_succeeds(change: Change) -> None:
    for _ in range(5):
        first = MembershipFactory()
        owners = [first, MembershipFactory(customer=first.customer)]
        actors = [actor_of_user(member.user) for member in owners]

        def act(number: int, owners: list[Membership] = owners, actors: list[Any] = actors) -> bool:
            try:
                change(actors[number], owners[number], owners[1 - number])
            except PortalError:
                return False
            return True

        assert sorted(together(2, act)) == [False, True]
        assert Membership.objects.filter(customer=first.customer, role="owner").count() == 1


def test_of_two_members_who_are_handed_one_ownership_one_gets_it() -> None:
    owner = MembershipFactory()
    heirs = [MembershipFactory(customer=owner.customer, role="admin") for _ in range(2)]
    actor = actor_of_user(owner.user)

    def act(number: int) -> bool:
        try:
            transfer_ownership(actor, owner.customer_id, heirs[number].user_id)
        except PortalError:
            return False
        return True

    assert sorted(together(2, act)) == [False, True]
    assert Membership.objects.filter(customer=owner.customer, role="owner").count() == 1


def test_an_invitation_is_accepted_once_however_often_the_button_is_pressed() -> None:
    owner, ada = MembershipFactory(), UserFactory(email="ada@acme.example")
    invitation = invite(actor_of_user(owner.user), owner.customer_id, email=ada.email, role="viewer")

    made = together(8, lambda number: accept_invitation(ada, invitation).pk)

    assert len(set(made)) == 1
    assert AuditEvent.objects.filter(action="invitation.accepted").count() == 1


def test_one_address_is_invited_once_by_many_at_once() -> None:
    owner = MembershipFactory()
    actor = actor_of_user(owner.user)

    def ask(number: int) -> bool:
        try:
            invite(actor, owner.customer_id, email="ada@acme.example", role="viewer")
        except PortalError:
            return False
        return True

    assert together(8, ask).count(True) == 1
    assert Invitation.objects.count() == 1


def test_nobody_joins_by_an_admin_who_is_removed_meanwhile() -> None:
    """Either the invitation was accepted first, or it ended with its inviter: never both."""
    for number in range(5):
        owner = MembershipFactory()
        admin = MembershipFactory(customer=owner.customer, role="admin")
        ada = UserFactory()
        invitation = invite(actor_of_user(admin.user), owner.customer_id, email=ada.email, role="viewer")
        actor = actor_of_user(owner.user)

        def act(
            number: int, ada: Any = ada, invitation: Invitation = invitation, actor: Any = actor,
            admin: Membership = admin,
        ) -> None:  # fmt: skip
            if number:
                remove_member(actor, admin.customer_id, admin.user_id)
                return
            try:
                accept_invitation(ada, invitation)
            except PortalError:
                return

        together(2, act)
        invitation.refresh_from_db()
        joined = Membership.objects.filter(customer=owner.customer, user=ada).exists()
        assert joined == (invitation.accepted_at is not None) == (invitation.withdrawn_at is None), number
