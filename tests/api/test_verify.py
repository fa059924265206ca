"""``/verify``: what it costs, what it tells, and that nothing but a good key gets a yes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.plugins import registry, set_registry
from portal.models import IssuedKey, Membership, SigningKey
from portal.services.signing_keys.sync import sync_signing_keys
from portal.services.uses import uses
from provisioning.config import environ_get_config
from provisioning.registry import load_plugins
from tests.conftest import Api, Clock, key_of
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]
Queries = Callable[[int], Any]


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """What other tests' keys left behind."""
    uses.flush()


def asked(api: Api, secret: str) -> Any:
    return api.get("/verify", authorization=f"Bearer {secret}")


def test_a_good_key_costs_one_query_and_no_write(
    api: Api, issue: Issue, django_assert_num_queries: Queries
) -> None:
    key = issue()
    for _ in range(2):
        with django_assert_num_queries(1) as queries:
            assert asked(api, key["secret"]).status_code == 204
        assert queries[0]["sql"].startswith("SELECT")
    with django_assert_num_queries(1):
        assert asked(api, "unknown").status_code == 401


def test_introspection_writes_nothing_either(api: Api, issue: Issue) -> None:
    key = issue()
    api.form("/introspect", token=key["secret"])  # notes the use of the access token
    with CaptureQueriesContext(connection) as queries:
        assert api.form("/introspect", token=key["secret"]).json()["active"] is True
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]


def test_both_note_the_use_which_the_next_flush_writes(api: Api, issue: Issue, clock: Clock) -> None:
    verified, introspected, unused = issue(), issue(), issue()
    asked(api, verified["secret"])
    api.form("/introspect", token=introspected["secret"])
    asked(api, unused["secret"] + "x")
    assert key_of(verified).last_used_at is None
    uses.flush()
    shown = [api.get(f"/keys/{key['id']}").json()["last_used_at"] for key in (verified, introspected, unused)]
    assert shown == [clock().strftime("%Y-%m-%dT%H:%M:%SZ")] * 2 + [None]


def test_a_refused_key_was_not_used(api: Api, issue: Issue) -> None:
    key = issue()
    api.post(f"/keys/{key['id']}/revoke")
    assert asked(api, key["secret"]).status_code == 401
    uses.flush()
    assert key_of(key).last_used_at is None


def test_a_revoked_key_is_refused_at_once(api: Api, issue: Issue) -> None:
    key = issue()
    assert asked(api, key["secret"]).status_code == 204
    api.post(f"/keys/{key['id']}/revoke")
    assert asked(api, key["secret"]).status_code == 401


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_suspended_or_closed_customers_keys_are_refused_at_once(
    api: Api, issue: Issue, owner: Membership, status: str
) -> None:
    key = issue()
    assert asked(api, key["secret"]).status_code == 204
    assert api("PATCH", f"/customers/{owner.customer.public_id}", {"status": status}).status_code == 200
    assert asked(api, key["secret"]).status_code == 401


@pytest.mark.parametrize("state", list(SigningKey.State.values))
def test_the_state_of_the_signing_key_counts_before_its_keys_are_revoked(
    api: Api, issue: Issue, state: str
) -> None:
    key = issue()
    assert asked(api, key["secret"]).status_code == 204
    SigningKey.objects.filter(state="staged").delete()
    ends = {"sealed_private": ""} if state in ("retired", "revoked") else {}
    SigningKey.objects.filter(pk=key_of(key).signing_key_id).update(state=state, **ends)
    counts = state in ("staged", "active", "retiring")
    assert asked(api, key["secret"]).status_code == (204 if counts else 401)
    assert api.form("/introspect", token=key["secret"]).json()["active"] is counts


def test_a_key_counts_under_its_own_signing_key_alone(api: Api, issue: Issue) -> None:
    key = issue()
    IssuedKey.objects.update(signing_key=SigningKey.objects.get(state="staged"))
    assert asked(api, key["secret"]).status_code == 401


def test_a_key_under_a_shared_secret_costs_one_query_too(
    api: Api, issue: Issue, django_assert_num_queries: Queries
) -> None:
    before = registry()
    secret = {"PLUGIN_JWT_ALGORITHM": "HS256", "PLUGIN_JWT_SECRET": "a shared secret " * 4}
    set_registry(load_plugins("jwt", environ_get_config(secret), before.default._toolbox))
    try:
        sync_signing_keys()
        key = issue()
        assert key_of(key).signing_key.algorithm == "HS256"  # type: ignore[union-attr]
        with django_assert_num_queries(1):
            assert asked(api, key["secret"]).status_code == 204
    finally:
        set_registry(before)


def test_the_answer_holds_for_nobody_else_and_is_not_stored(
    api: Api, issue: Issue, owner: Membership
) -> None:
    api("PATCH", f"/customers/{owner.customer.public_id}", {"external_id": "acme:1042/eu~#'"})
    answer = asked(api, issue()["secret"])
    assert answer.headers["X-Org-Id"] == "acme:1042/eu~#'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    assert answer.content == b""


def test_head_is_answered_as_get_without_a_body(api: Api, issue: Issue) -> None:
    key = issue()
    good = api("HEAD", "/verify", authorization=f"Bearer {key['secret']}")
    assert (good.status_code, good.headers["X-Key-Id"], good.content) == (204, key["id"], b"")
    bad = api("HEAD", "/verify", authorization="Bearer no")
    assert (bad.status_code, bad.content) == (401, b"")


def test_options_is_no_way_in(api: Api, issue: Issue) -> None:
    assert api("OPTIONS", "/verify", authorization="Bearer no").status_code == 401
    assert api("OPTIONS", "/verify", authorization=f"Bearer {issue()['secret']}").status_code == 204


def test_a_refusal_is_not_stored(api: Api) -> None:
    assert api.get("/verify", authorization="Bearer no").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_known_in_any_case(api: Api, issue: Issue, scheme: str) -> None:
    assert api.get("/verify", authorization=f"{scheme} {issue()['secret']}").status_code == 204


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "Bearer", "Bearer ", "Bearer\t{key}", "{key}", "Token {key}", "Basic {key}", "Bearer{key}",
        "Bearer:{key}", "Bearer {key} {key}", "Bearer {key},{key}", "Bearer {key}, Bearer {key}",
        'Bearer "{key}"', "Bearer {key}=", "Bearer {key}.", "Bearer {key}\x00", "Bearer \x00", "Bearer {key}\t",
        "Bearer {key}\xa0", "Bearer \xa0{key}", "\xa0Bearer {key}", "Bearer \xe9\xff", "Bearer ключ", "Bearer 🔑",
        "Bearer \udcff", "Bearer ..", "Bearer a.b.c", "Bearer " + "." * 30_000, "Bearer " + "a" * 30_000,
        "Bearer {key}" + "\r\n", "Bearer lk_" + "0" * 36,
    ],
)  # fmt: skip
def test_a_malformed_authorization_is_refused_and_no_fault_of_ours(
    api: Api, issue: Issue, header: str
) -> None:
    answer = api.get("/verify", authorization=header.replace("{key}", issue()["secret"]))
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["X-Request-Id"]


def test_without_any_authorization(issue: Issue) -> None:
    issue()
    answer = Api(None).get("/verify")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_checks_that_said_yes_are_counted_a_day(
    api: Api, bound_api: Api, issue: Issue, owner: Membership, clock: Clock
) -> None:
    key = issue()
    for _ in range(3):
        asked(api, key["secret"])
    bound_api.form("/introspect", token=key["secret"])
    asked(api, key["secret"] + "x")
    uses.flush()
    (day,) = owner.customer.daily_uses.all()
    assert (day.day, day.verifications) == (clock().date(), 4)


def test_a_strangers_question_is_no_use(api: Api, bound_api: Api, clock: Clock) -> None:
    """It is told that the key isn't good, so nothing of its question may show either."""
    foreign = MembershipFactory()
    body = {"customer": foreign.customer.public_id, "user": foreign.user.email, "name": "foreign"}
    key = api.post("/keys", body).json()
    assert bound_api.form("/introspect", token=key["secret"]).json() == {"active": False}
    uses.flush()
    assert not foreign.customer.daily_uses.exists()
    assert key_of(key).last_used_at is None
