"""Only owners make, unmake and remove owners; a customer never loses its last one."""

import pytest

from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.models import AuditEvent, ManagementToken, Membership, User
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.members import add_member, remove_member, transfer_ownership, update_member
from tests.conftest import Api, token_for
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(owner: Membership) -> Membership:
    return MembershipFactory(customer=owner.customer, role="admin")


@pytest.fixture
def second(owner: Membership) -> Membership:
    """Another owner, so that none is the last."""
    return MembershipFactory(customer=owner.customer)


def test_an_admin_makes_unmakes_and_removes_no_owner(
    owner: Membership, second: Membership, admin: Membership
) -> None:
    actor, customer = actor_of_user(admin.user), owner.customer_id
    attempts = [
        lambda: update_member(actor, customer, second.user_id, role="viewer"),
        lambda: update_member(actor, customer, admin.user_id, role="owner"),
        lambda: remove_member(actor, customer, second.user_id),
        lambda: add_member(actor, customer, email="x@acme.example", role="owner"),
        lambda: transfer_ownership(actor, customer, admin.user_id),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed) as refused:
            attempt()
        assert refused.value.code == "owner_required"
    assert Membership.objects.filter(customer=owner.customer, role="owner").count() == 2
    assert not User.objects.filter(email="x@acme.example").exists()


def test_an_admins_token_reaches_no_further_than_the_admin(
    owner: Membership, second: Membership, admin: Membership
) -> None:
    theirs, owners = (Api(token_for(who.user, customer=owner.customer)) for who in (admin, owner))
    users = f"/customers/{owner.customer.public_id}/users"
    for api, status in ((theirs, 403), (owners, 200)):
        answer = api("PATCH", f"{users}/{admin.user.public_id}", {"role": "owner"})
        assert answer.status_code == status
    assert theirs("DELETE", f"{users}/{second.user.public_id}").status_code == 204  # an owner by now


def test_admins_make_and_unmake_admins(owner: Membership, admin: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="developer")
    actor = actor_of_user(admin.user)
    assert update_member(actor, owner.customer_id, other.user_id, role="admin").role == "admin"
    assert update_member(actor, owner.customer_id, other.user_id, role="viewer").role == "viewer"


def test_staff_make_owners_anywhere_and_so_do_their_tokens(owner: Membership, staff: User) -> None:
    other = MembershipFactory(customer=owner.customer, role="viewer")
    assert update_member(actor_of_user(staff), owner.customer_id, other.user_id, role="owner").role == "owner"
    token_for(staff, customer=owner.customer)
    bound = actor_of_token(ManagementToken.objects.get(owner=staff))
    assert update_member(bound, owner.customer_id, other.user_id, role="admin").role == "admin"


def test_a_right_that_went_while_the_page_was_open_is_gone(owner: Membership, admin: Membership) -> None:
    """The actor was built before; the membership is read again."""
    actor = actor_of_user(admin.user)
    victim = MembershipFactory(customer=owner.customer, role="admin")
    Membership.objects.filter(pk=admin.pk).update(role="viewer")
    with pytest.raises(NotAllowed) as refused:
        remove_member(actor, owner.customer_id, victim.user_id)
    assert refused.value.code == "role_not_held"


def test_viewers_may_leave_and_the_last_owner_may_not(owner: Membership) -> None:
    viewer = MembershipFactory(customer=owner.customer, role="viewer")
    remove_member(actor_of_user(viewer.user), owner.customer_id, viewer.user_id)
    with pytest.raises(Conflict) as refused:
        remove_member(actor_of_user(owner.user), owner.customer_id, owner.user_id)
    assert refused.value.code == "last_owner"


def test_an_owner_who_cant_sign_in_is_no_owner_to_leave_behind(owner: Membership, second: Membership) -> None:
    User.objects.filter(pk=second.user_id).update(is_active=False)
    with pytest.raises(Conflict):
        update_member(actor_of_user(owner.user), owner.customer_id, owner.user_id, role="admin")


def test_handing_over_makes_one_owner_and_one_admin(owner: Membership, admin: Membership) -> None:
    transfer_ownership(actor_of_user(owner.user), owner.customer_id, admin.user_id)
    owner.refresh_from_db()
    admin.refresh_from_db()
    assert (owner.role, admin.role) == ("admin", "owner")
    event = AuditEvent.objects.get(action="ownership.transferred")
    assert (event.object, event.detail) == (admin.user.public_id, {"former": owner.user.public_id})


def test_handing_over_needs_a_recent_sign_in(owner: Membership, admin: Membership) -> None:
    with pytest.raises(NotAllowed) as refused:
        transfer_ownership(actor_of_user(owner.user, recent_sign_in=False), owner.customer_id, admin.user_id)
    assert refused.value.code == "recent_sign_in_required"
    owner.refresh_from_db()
    assert owner.role == "owner"


def test_nobody_hands_over_to_themselves_to_strangers_or_to_the_shut_out(
    owner: Membership, admin: Membership
) -> None:
    actor = actor_of_user(owner.user)
    with pytest.raises(Conflict):
        transfer_ownership(actor, owner.customer_id, owner.user_id)
    with pytest.raises(NotFound):
        transfer_ownership(actor, owner.customer_id, MembershipFactory().user_id)
    User.objects.filter(pk=admin.user_id).update(is_active=False)
    with pytest.raises(Conflict) as refused:
        transfer_ownership(actor, owner.customer_id, admin.user_id)
    assert refused.value.code == "user_inactive"
