"""Nobody gives away more than they have, and rotating wins no keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Permission

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import AuditEvent, IssuedKey, ManagementToken, Membership, Plan, User
from portal.services.members import add_member
from tests.conftest import Api, Clock, token_for
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]


def test_rotating_on_and_on_piles_up_no_keys(api: Api, issue: Issue, owner: Membership, clock: Clock) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=1))
    second = api.post(f"/keys/{issue()['id']}/rotate", {"overlap": "1d"}).json()
    refused = api.post(f"/keys/{second['id']}/rotate", {"overlap": "1d"})
    assert (refused.status_code, refused.json()["code"]) == (409, "rotation_under_way")
    assert IssuedKey.objects.count() == 2
    clock.advance(days=1)
    assert api.post(f"/keys/{second['id']}/rotate").status_code == 201


def test_a_rotated_key_follows_the_plan(api: Api, issue: Issue, owner: Membership) -> None:
    plan = PlanFactory(scopes=["a", "b"])
    SubscriptionFactory(customer=owner.customer, plan=plan)
    key = issue()
    Plan.objects.filter(pk=plan.pk).update(scopes=["b"], plugins=["another"])
    assert api.post(f"/keys/{key['id']}/rotate").status_code == 422
    Plan.objects.filter(pk=plan.pk).update(plugins=["jwt"])
    assert api.post(f"/keys/{key['id']}/rotate").json()["scopes"] == ["b"]


def test_a_former_members_key_is_not_rotated(api: Api, issue: Issue, owner: Membership) -> None:
    key = issue()
    MembershipFactory(customer=owner.customer)
    api("DELETE", f"/customers/{owner.customer.public_id}/users/{owner.user.public_id}")
    refused = api.post(f"/keys/{key['id']}/rotate")
    assert (refused.status_code, refused.json()["code"]) == (409, "key_without_user")


def test_a_narrow_token_makes_no_owner(owner: Membership) -> None:
    narrow = Api(token_for(owner.user, "customers:write customers:read", owner.customer))
    users = f"/customers/{owner.customer.public_id}/users"
    for role in ("owner", "admin"):
        refused = narrow.post(users, {"email": "evil@example.net", "role": role})
        assert (refused.status_code, refused.json()["code"]) == (403, "role_not_held")
    MembershipFactory(customer=owner.customer)
    one = f"{users}/{owner.user.public_id}"
    assert narrow("PATCH", one, {"role": "viewer"}).status_code == 403
    assert narrow("DELETE", one).status_code == 403
    assert not User.objects.filter(email="evil@example.net").exists()
    assert narrow.post(users, {"email": "dev@example.net", "role": "developer"}).status_code == 201


def test_a_customer_without_anybody_gets_its_first_owner(api: Api, owner: Membership) -> None:
    """Also from a narrow token: there is nobody to take the customer from."""
    staff = UserFactory(is_staff=True, is_superuser=True)
    empty = CustomerFactory()
    narrow = Api(token_for(staff, "customers:write", empty))
    made = narrow.post(f"/customers/{empty.public_id}/users", {"email": "first@example.net"})
    assert (made.status_code, made.json()["role"]) == (201, "owner")


def test_a_token_outlives_none_that_it_made(owner: Membership, clock: Clock) -> None:
    parent = Api(token_for(owner.user, customer=owner.customer))
    ManagementToken.objects.update(expires_at=now() + timedelta(minutes=5))
    child = parent.post("/access-tokens", {"scopes": ["keys:read"]}).json()
    longer = parent.post("/access-tokens", {"scopes": ["keys:read"], "expires_in": "30d"}).json()
    clock.advance(minutes=5)
    for made in (child, longer):
        assert Api(made["token"]).get("/keys").status_code == 401


def test_a_bound_token_loses_what_its_owners_role_lost(owner: Membership) -> None:
    api = Api(token_for(owner.user, customer=owner.customer))
    Membership.objects.filter(pk=owner.pk).update(role="viewer")
    assert api.get("/keys").status_code == 200
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x"}
    assert api.post("/keys", body).status_code == 403


def test_removing_a_member_ends_their_tokens_for_good(api: Api, owner: Membership) -> None:
    leaver = MembershipFactory(customer=owner.customer, role="developer")
    theirs = Api(token_for(leaver.user, "keys:read", owner.customer))
    users = f"/customers/{owner.customer.public_id}/users"
    assert api("DELETE", f"{users}/{leaver.user.public_id}").status_code == 204
    api.post(users, {"email": leaver.user.email, "role": "developer"})
    assert theirs.get("/keys").status_code == 401
    assert AuditEvent.objects.filter(action="access_token.revoked").count() == 1


def test_deleting_a_customer_ends_tokens_and_subscriptions_with_an_entry_each(
    api: Api, owner: Membership
) -> None:
    bound = Api(token_for(owner.user, customer=owner.customer))
    subscription = SubscriptionFactory(customer=owner.customer)
    assert api("DELETE", f"/customers/{owner.customer.public_id}").status_code == 204
    assert bound.get("/keys").status_code == 401
    subscription.refresh_from_db()
    assert subscription.status == "cancelled"
    told = set(AuditEvent.objects.filter(customer=owner.customer).values_list("action", flat=True))
    assert {"subscription.changed", "access_token.revoked", "customer.deleted"} <= told


def test_staff_need_the_permissions_of_what_a_scope_lets_change(owner: Membership) -> None:
    staff = UserFactory(is_staff=True)
    names = ["add_customer", "change_customer", "delete_customer", "view_customer"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    api = Api(token_for(staff))
    users = f"/customers/{owner.customer.public_id}/users"
    assert api.post(users, {"email": "alias@staff.example", "role": "owner"}).status_code == 403


def test_ways_in_chosen_before_the_address_was_proven_are_void() -> None:
    """Somebody signs up with another's address and waits to be given their customer."""
    squatter = UserFactory(email="bob@corp.example", proven=False)
    SocialAccount.objects.create(user=squatter, provider="acme", uid="mallory")
    add_member(SYSTEM, MembershipFactory().customer_id, email="bob@corp.example", role="admin")
    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert not SocialAccount.objects.exists()


def test_a_secondary_address_that_is_proven_is_its_owner() -> None:
    person = UserFactory()
    EmailAddress.objects.create(user=person, email="second@corp.example", verified=True)
    added = add_member(SYSTEM, MembershipFactory().customer_id, email="second@corp.example")
    assert added.user == person


@pytest.mark.parametrize("lifetime", ["11y", "99y"])
def test_no_plan_allows_more_than_ten_years(api: Api, lifetime: str) -> None:
    from portal.core.errors import Invalid
    from portal.services.plans import create_plan

    assert api.post("/plans", {"slug": "p", "name": "P", "max_lifetime": lifetime}).status_code == 422
    with pytest.raises(Invalid):
        create_plan(SYSTEM, slug="p", name="P", max_lifetime=lifetime)


def test_answers_are_in_one_language(api: Api) -> None:
    answer = Api(None).get("/keys", accept_language="de")
    assert answer.json()["detail"] == "Authentication credentials were not provided."


@pytest.mark.parametrize(
    "path", ["/plans", "/customers", "/operations", "/events", "/access-tokens", "/keys"],
)  # fmt: skip
def test_lists_cost_the_same_at_any_length(
    api: Api, issue: Issue, path: str, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(4):
        issue(name=str(number))
        PlanFactory()
        MembershipFactory()
    api.get(path)
    with django_assert_max_num_queries(3):
        assert len(api.get(path).json()["results"]) >= 1
