from typing import Any

import pytest

from portal.models import Membership, User
from tests.conftest import Api, token_for
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db


def users(membership: Membership) -> str:
    return f"/customers/{membership.customer.public_id}/users"


def test_the_first_user_becomes_owner(api: Api) -> None:
    customer = CustomerFactory()
    path = f"/customers/{customer.public_id}/users"
    first = api.post(path, {"email": "Ada@Example.com", "name": "Ada"})
    second = api.post(path, {"email": "bob@example.com"})
    assert (first.status_code, first.json()["role"], first.json()["email"]) == (
        201,
        "owner",
        "ada@example.com",
    )
    assert second.json()["role"] == "developer"
    assert [user["email"] for user in api.get(path).json()["results"]] == [
        "bob@example.com",
        "ada@example.com",
    ]


def test_nobody_is_a_member_twice(api: Api, owner: Membership) -> None:
    answer = api.post(users(owner), {"email": owner.user.email.upper()})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


def test_a_customer_keeps_an_owner(api: Api, owner: Membership) -> None:
    path = f"{users(owner)}/{owner.user.public_id}"
    for answer in (api("DELETE", path), api("PATCH", path, {"role": "viewer"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    MembershipFactory(customer=owner.customer)
    assert api("PATCH", path, {"role": "viewer"}).json()["role"] == "viewer"
    assert api("DELETE", path).status_code == 204


def test_a_shared_users_name_is_not_one_customers_to_change(owner: Membership, bound_api: Api) -> None:
    shared = UserFactory(name="Before")
    MembershipFactory(user=shared, customer=owner.customer, role="developer")
    MembershipFactory(user=shared)
    answer = bound_api("PATCH", f"{users(owner)}/{shared.public_id}", {"name": "After"})
    assert answer.status_code == 403
    assert User.objects.get(pk=shared.pk).name == "Before"


@pytest.mark.parametrize("body", [{"status": "active"}, {"status": "suspended"}, {"external_id": "mine"}])
def test_a_customer_does_not_manage_its_own_standing(bound_api: Api, owner: Membership, body: Any) -> None:
    path = f"/customers/{owner.customer.public_id}"
    owner.customer.status = "pending"
    owner.customer.save()
    assert bound_api("PATCH", path, body).status_code == 403
    assert bound_api("DELETE", path).status_code == 403
    assert bound_api.post(f"{path}/subscriptions", {"plan": "default"}).status_code == 403
    assert bound_api.post("/customers", {"name": "another"}).status_code == 403
    assert bound_api.post("/plans", {"slug": "mine", "name": "Mine"}).status_code == 403
    assert bound_api("PATCH", path, {"name": "New name"}).json()["name"] == "New name"


def test_external_ids_are_unique_and_fixed_once_a_key_exists(api: Api, owner: Membership, issue: Any) -> None:
    CustomerFactory(external_id="taken")
    path = f"/customers/{owner.customer.public_id}"
    assert api("PATCH", path, {"external_id": "taken"}).json()["code"] == "external_id_taken"
    assert api("PATCH", path, {"external_id": "free"}).json()["external_id"] == "free"
    issue()
    assert api("PATCH", path, {"external_id": "later"}).json()["code"] == "external_id_fixed"


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("pending", "active", 200), ("pending", "suspended", 409), ("active", "suspended", 200),
        ("active", "pending", 409), ("suspended", "active", 200), ("closed", "active", 409),
        ("active", "active", 200),
    ],
)  # fmt: skip
def test_customers_change_status_along_allowed_ways(api: Api, before: str, after: str, status: int) -> None:
    customer = CustomerFactory(status=before)
    assert api("PATCH", f"/customers/{customer.public_id}", {"status": after}).status_code == status


def test_subscriptions(api: Api, owner: Membership) -> None:
    PlanFactory(slug="pro")
    path = f"/customers/{owner.customer.public_id}/subscriptions"
    made = api.post(path, {"plan": "pro", "external_id": "sub_1"})
    assert (made.status_code, made.json()["plan"], made.json()["status"]) == (201, "pro", "active")
    assert api.post(path, {"plan": "pro", "external_id": "sub_1"}).json()["code"] == "external_id_taken"
    assert api.post(path, {"plan": "none"}).status_code == 422
    one = f"/subscriptions/{made.json()['id']}"
    assert api("PATCH", one, {"status": "past_due"}).json()["status"] == "past_due"
    assert api("PATCH", one, {"status": "cancelled"}).json()["status"] == "cancelled"
    assert api("PATCH", one, {"status": "active"}).json()["code"] == "transition_not_allowed"
    assert [found["id"] for found in api.get(path).json()["results"]] == [made.json()["id"]]


def test_everything_of_another_customer_is_404(owner: Membership) -> None:
    other = MembershipFactory()
    subscription = SubscriptionFactory(customer=owner.customer)
    stranger = Api(token_for(other.user, customer=other.customer))
    customer = f"/customers/{owner.customer.public_id}"
    calls = [
        ("GET", customer, None), ("PATCH", customer, {"name": "x"}), ("DELETE", customer, None),
        ("GET", f"{customer}/users", None), ("POST", f"{customer}/users", {"email": "a@example.com"}),
        ("PATCH", f"{customer}/users/{owner.user.public_id}", {"role": "viewer"}),
        ("DELETE", f"{customer}/users/{owner.user.public_id}", None),
        ("GET", f"{customer}/subscriptions", None), ("POST", f"{customer}/subscriptions", {"plan": "default"}),
        ("PATCH", f"/subscriptions/{subscription.public_id}", {"status": "cancelled"}),
        ("POST", f"{customer}/provision", {"user": owner.user.email}),
        ("POST", "/keys", {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x"}),
        ("POST", "/access-tokens", {"scopes": ["keys:read"], "customer": owner.customer.public_id}),
    ]  # fmt: skip
    for method, path, body in calls:
        assert stranger(method, path, body).status_code == 404, (method, path)
    assert stranger.get("/customers").json()["results"][0]["id"] == other.customer.public_id
    assert len(stranger.get("/customers").json()["results"]) == 1


def test_provisioning_at_the_jwt_plugin(api: Api, owner: Membership) -> None:
    path = f"/customers/{owner.customer.public_id}/provision"
    answer = api.post(path, {"user": owner.user.email, "plugin": "jwt"})
    assert (answer.status_code, answer.json()["status"]) == (202, "succeeded")
    assert answer.headers["Location"].endswith(f"/api/v1/operations/{answer.json()['id']}")
    assert api.post(path, {"user": "nobody@example.com"}).status_code == 422


def test_access_tokens(api: Api, owner: Membership, bound_api: Api) -> None:
    made = api.post("/access-tokens", {"name": "ci", "scopes": ["keys:read"], "expires_in": "1h"})
    assert made.status_code == 201
    assert made.json()["token"].startswith("lk_")
    assert made.headers["Cache-Control"] == "no-store"
    assert Api(made.json()["token"]).get("/keys").status_code == 200
    assert "token" not in api.get("/access-tokens").json()["results"][0]
    assert api("DELETE", f"/access-tokens/{made.json()['id']}").status_code == 204
    assert Api(made.json()["token"]).get("/keys").status_code == 401
    # A bound token makes bound tokens, and no more than it holds itself.
    bound = bound_api.post("/access-tokens", {"scopes": ["keys:read"]}).json()
    assert bound["customer"] == owner.customer.public_id
    narrow = Api(token_for(owner.user, "access_tokens:write", owner.customer))
    refused = narrow.post("/access-tokens", {"scopes": ["keys:write"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_not_held")
    assert bound_api.post("/access-tokens", {"scopes": ["plans:write"]}).status_code in (403, 422)


def test_an_expired_access_token_is_worth_nothing(api: Api, clock: Any) -> None:
    token = api.post("/access-tokens", {"scopes": ["keys:read"], "expires_in": "1h"}).json()["token"]
    clock.advance(hours=1)
    assert Api(token).get("/keys").status_code == 401


def test_events_are_the_customers_own(api: Api, bound_api: Api, owner: Membership) -> None:
    api.post(users(owner), {"email": "new@example.com"})
    MembershipFactory()
    api.post("/customers", {"name": "other"})
    mine = bound_api.get("/events").json()["results"]
    assert {event["customer"] for event in mine} == {owner.customer.public_id}
    assert "member.added" in {event["action"] for event in mine}
    assert len(api.get("/events").json()["results"]) > len(mine)
    assert api.get("/events?action=member.added").json()["results"][0]["detail"] == {"role": "developer"}
