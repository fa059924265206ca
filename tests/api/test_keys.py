from collections.abc import Callable
from typing import Any

import pytest

from portal.models import IssuedKey, Membership, Operation
from tests.conftest import Api, Clock, key_of, token_for
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]


def test_a_key_is_issued_with_its_secret(issue: Issue, owner: Membership) -> None:
    key = issue(name="production")
    assert key["status"] == "active"
    assert key["customer"] == owner.customer.public_id
    assert key["user"] == owner.user.email
    assert key["secret"].count(".") == 2
    assert key["secret"].endswith(key["last4"])
    assert key["secret_available"] is False


def test_the_database_keeps_no_secret_once_it_was_shown(issue: Issue) -> None:
    answer = issue()
    row = IssuedKey.objects.filter(public_id=answer["id"]).values().get()
    assert answer["secret"] not in str(row)
    assert row["sealed_secret"] == ""


def test_second_reveal_is_gone(api: Api, issue: Issue) -> None:
    key = issue()
    answer = api.post(f"/keys/{key['id']}/reveal")
    assert answer.status_code == 410
    assert answer.json()["code"] == "already_revealed"


def test_another_token_may_not_reveal(api: Api, owner: Membership, clock: Clock) -> None:
    from portal.core.actor import SYSTEM
    from portal.jobs.run import run_inline
    from portal.services.keys.request import request_key

    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="staff made")
    run_inline(operation)
    key = IssuedKey.objects.get(pk=operation.key_id)
    assert key.secret_available
    answer = api.post(f"/keys/{key.public_id}/reveal")
    assert (answer.status_code, answer.json()["code"]) == (403, "reveal_not_allowed")
    key.refresh_from_db()
    assert key.secret_available


def test_unrevealed_secret_expires_after_seven_days(owner: Membership, clock: Clock) -> None:
    from portal.core.actor import SYSTEM
    from portal.core.errors import Gone
    from portal.jobs.run import run_inline
    from portal.services.actors import actor_of_user
    from portal.services.keys.request import request_key
    from portal.services.keys.reveal import reveal_key

    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="forgotten")
    run_inline(operation)
    clock.advance(days=7)
    with pytest.raises(Gone) as refused:
        reveal_key(actor_of_user(owner.user), operation.key_id)
    assert refused.value.code == "secret_expired"


def test_a_key_revoked_unrevealed_has_no_secret_any_more(owner: Membership) -> None:
    from portal.core.actor import SYSTEM
    from portal.core.errors import Conflict
    from portal.jobs.run import run_inline
    from portal.services.actors import actor_of_user
    from portal.services.keys.request import request_key
    from portal.services.keys.reveal import reveal_key
    from portal.services.keys.revoke import revoke_key

    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="stopped")
    run_inline(operation)
    assert operation.key_id is not None
    revoke_key(SYSTEM, operation.key_id)
    assert IssuedKey.objects.get().sealed_secret == ""
    with pytest.raises(Conflict) as refused:
        reveal_key(actor_of_user(owner.user), operation.key_id)
    assert refused.value.code == "key_not_active"


def test_introspection_tells_the_claims(api: Api, issue: Issue, owner: Membership) -> None:
    key = issue()
    facts = api.form("/introspect", token=key["secret"]).json()
    assert facts["active"] is True
    assert facts["key_id"] == key["id"]
    assert facts["org_id"] == owner.customer.external_id
    assert facts["sub"] == owner.user.public_id
    assert facts["iss"] == "http://127.0.0.1:8000"
    assert set(facts["status"]["status_list"]) == {"idx", "uri"}


def test_a_revoked_key_is_inactive_at_once(api: Api, issue: Issue) -> None:
    key = issue()
    first = api.post(f"/keys/{key['id']}/revoke", {"reason": "leaked"})
    again = api.post(f"/keys/{key['id']}/revoke")
    assert (first.status_code, first.json()["status"]) == (200, "revoked")
    assert (again.status_code, again.json()["revoked_at"]) == (200, first.json()["revoked_at"])
    assert api.form("/introspect", token=key["secret"]).json() == {"active": False}


def test_an_expired_key_is_inactive_and_says_so(api: Api, issue: Issue, clock: Clock) -> None:
    key = issue(expires_in="90s")
    clock.advance(seconds=90)
    assert api.form("/introspect", token=key["secret"]).json() == {"active": False}
    assert api.get(f"/keys/{key['id']}").json()["status"] == "expired"
    assert [found["id"] for found in api.get("/keys?status=expired").json()["results"]] == [key["id"]]
    assert api.get("/keys?status=active").json()["results"] == []


def test_rotation_keeps_the_old_key_until_the_overlap_ends(api: Api, issue: Issue, clock: Clock) -> None:
    from portal.jobs.claim import claim_operation
    from portal.jobs.run import run_operation

    old = issue()
    new = api.post(f"/keys/{old['id']}/rotate", {"overlap": "1h"}).json()
    assert new["secret"] != old["secret"]
    for key in (old, new):
        assert api.form("/introspect", token=key["secret"]).json()["active"] is True
    clock.advance(hours=1)
    assert api.form("/introspect", token=old["secret"]).json() == {"active": False}
    assert api.form("/introspect", token=new["secret"]).json()["active"] is True
    operation = claim_operation()
    assert operation is not None
    run_operation(operation)
    assert api.get(f"/keys/{old['id']}").json()["status"] == "revoked"


def test_a_key_is_rotated_once(api: Api, issue: Issue) -> None:
    old = issue()
    api.post(f"/keys/{old['id']}/rotate")
    again = api.post(f"/keys/{old['id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "already_rotated")


def test_rotation_works_at_the_plans_limit(api: Api, issue: Issue, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=1))
    old = issue()
    assert api.post(f"/keys/{old['id']}/rotate").status_code == 201


def test_the_plans_limits_hold(api: Api, issue: Issue, owner: Membership) -> None:
    plan = PlanFactory(max_keys=2, max_lifetime="10d", scopes=["read"], plugins=["jwt"])
    SubscriptionFactory(customer=owner.customer, plan=plan)
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x"}
    for beyond in ({"expires_in": "11d"}, {"scopes": ["write"]}, {"plugin": "kong"}):
        assert api.post("/keys", {**body, **beyond}).status_code == 422
    assert issue()["scopes"] == ["read"]
    issue(scopes=[])
    full = api.post("/keys", body)
    assert (full.status_code, full.json()["code"]) == (409, "key_limit_reached")
    assert IssuedKey.objects.count() == 2


def test_a_plan_may_require_a_subscription(api: Api, owner: Membership) -> None:
    from portal.models import Plan

    Plan.objects.filter(slug="default").update(requires_subscription=True)
    answer = api.post(
        "/keys", {"customer": owner.customer.external_id, "user": owner.user.email, "name": "x"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "subscription_required")


def test_a_strangers_user_gets_no_key(api: Api, owner: Membership) -> None:
    body = {"customer": owner.customer.public_id, "user": UserFactory().email, "name": "x"}
    assert api.post("/keys", body).json()["errors"] == {
        "user": ["is no member of this customer: add them first"]
    }


def test_another_customers_keys_are_not_there(issue: Issue) -> None:
    key = issue()
    other = MembershipFactory()
    stranger = Api(token_for(other.user, customer=other.customer))
    for path in ("", "/reveal", "/rotate", "/revoke"):
        answer = stranger("POST" if path else "GET", f"/keys/{key['id']}{path}", {} if path else None)
        assert answer.status_code == 404
    assert stranger.get("/keys").json()["results"] == []
    assert stranger.form("/introspect", token=key["secret"]).json() == {"active": False}
    assert stranger.form("/revoke", token=key["secret"]).status_code == 200
    assert key_of(key).status == "active"


def test_rfc_7009_revocation(api: Api, issue: Issue) -> None:
    key = issue()
    answer = api.form("/revoke", token=key["secret"], token_type_hint="access_token")
    assert answer.status_code == 200
    assert key_of(key).status == "revoked"
    assert api.form("/revoke", token="unknown").status_code == 200


def test_suspending_a_customer_revokes_its_keys(api: Api, issue: Issue, owner: Membership) -> None:
    keys = [issue(), issue()]
    assert api("PATCH", f"/customers/{owner.customer.public_id}", {"status": "suspended"}).status_code == 200
    assert {key_of(key).status for key in keys} == {"revoked"}


def test_cancelling_a_subscription_revokes_its_keys(api: Api, issue: Issue, owner: Membership) -> None:
    before = issue()
    subscription = SubscriptionFactory(customer=owner.customer)
    under = issue()
    assert (
        api("PATCH", f"/subscriptions/{subscription.public_id}", {"status": "cancelled"}).status_code == 200
    )
    assert (key_of(before).status, key_of(under).status) == ("active", "revoked")


def test_deleting_a_customer_erases_and_revokes(api: Api, issue: Issue, owner: Membership) -> None:
    key = issue()
    path = f"/customers/{owner.customer.public_id}"
    assert api("DELETE", path).status_code == 204
    assert api.get(path).status_code == 404
    row = key_of(key)
    assert (row.status, row.customer.name, row.user) == ("revoked", "", None)


def test_verify_names_the_caller(api: Api, issue: Issue, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(scopes=["a", "b"]))
    key = issue()
    good = api.get("/verify", authorization=f"bearer {key['secret']}")
    assert good.status_code == 204
    assert good.headers["X-Org-Id"] == owner.customer.external_id
    assert good.headers["X-User-Id"] == owner.user.public_id
    assert good.headers["X-Key-Id"] == key["id"]
    assert good.headers["X-Scopes"] == "a b"
    bad = api.get("/verify", authorization=f"Bearer {key['secret'][:-2]}xx")
    assert bad.status_code == 401
    assert bad.headers["WWW-Authenticate"].startswith("Bearer")


def test_operation_of_an_issued_key_succeeded(api: Api, issue: Issue) -> None:
    key = issue()
    operation = Operation.objects.get(key__public_id=key["id"])
    answer = api.get(f"/operations/{operation.public_id}").json()
    assert (answer["kind"], answer["status"], answer["key"]) == ("issue_key", "succeeded", key["id"])
    assert answer["error"] is None


def test_the_list_pages_through_all_keys_newest_first(api: Api, issue: Issue) -> None:
    ids = [issue()["id"] for _ in range(5)]
    seen, path = [], "/keys?limit=2"
    while path:
        page = api.get(path).json()
        seen += [key["id"] for key in page["results"]]
        path = (page["next"] or "").removeprefix("http://127.0.0.1:8000/api/v1")
    assert seen == ids[::-1]


@pytest.mark.parametrize("limit", ["0", "201", "x", "-1", "1e3", ""])
def test_bad_limits_are_refused(api: Api, limit: str) -> None:
    assert api.get(f"/keys?limit={limit}").status_code == 422


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "%00"])
def test_bad_cursors_are_refused(api: Api, cursor: str) -> None:
    assert api.get(f"/keys?cursor={cursor}").status_code in (400, 422)


def test_the_list_costs_the_same_at_any_length(
    api: Api, issue: Issue, django_assert_num_queries: Callable[..., Any]
) -> None:
    for _ in range(3):
        issue()
    api.get("/keys")
    with django_assert_num_queries(2):  # the token, the page
        assert len(api.get("/keys").json()["results"]) == 3


def test_a_key_outlives_a_change_of_issuer_and_audience(api: Api, issue: Issue) -> None:
    from portal.core.plugins import registry, set_registry
    from provisioning.config import environ_get_config
    from provisioning.registry import load_plugins

    before = registry()
    old = issue()
    changed = {"PLUGIN_JWT_ISSUER": "https://new.example", "PLUGIN_JWT_AUDIENCE": "https://api.example"}
    set_registry(load_plugins("jwt", environ_get_config(changed), before.default._toolbox))
    try:
        new = issue()
        for key, issuer in ((old, "http://127.0.0.1:8000"), (new, "https://new.example")):
            assert api.form("/introspect", token=key["secret"]).json()["iss"] == issuer
            assert api.get("/verify", authorization=f"Bearer {key['secret']}").status_code == 204
    finally:
        set_registry(before)


def test_every_answer_of_reveal_is_never_stored(api: Api, issue: Issue) -> None:
    for path in (f"/keys/{issue()['id']}/reveal", "/keys/key_00000000000000000000/reveal"):
        assert api.post(path).headers["Cache-Control"] == "no-store"


def test_a_deleted_customers_history_can_still_be_filtered(api: Api, issue: Issue, owner: Membership) -> None:
    key, customer = issue(), owner.customer.public_id
    api("DELETE", f"/customers/{customer}")
    assert [found["id"] for found in api.get(f"/keys?customer={customer}").json()["results"]] == [key["id"]]
    assert api.get(f"/events?customer={customer}&action=customer.deleted").json()["results"]


def test_a_customer_is_found_by_its_billing_id(api: Api, owner: Membership) -> None:
    owner.customer.external_id = "acme-1042"
    owner.customer.save()
    found = api.get("/customers?customer=acme-1042").json()["results"]
    assert [customer["id"] for customer in found] == [owner.customer.public_id]


def test_a_wrong_path_is_404_whatever_the_method(api: Api) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert api(method, "/nope", {}).status_code == 404


def test_problems_of_the_document_are_json_too(api: Api) -> None:
    answer = api.post("/schema")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
