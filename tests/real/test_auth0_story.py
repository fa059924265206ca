"""A customer's Auth0 keys from the first to the last, at a real portal and a strict tenant."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.fakes.auth0.process import ALL, TEN_SCOPES, Auth0Process, TokenRefused
from tests.real.auth0 import ask, auth0_portal, becomes, issue, key_of, operation_of
from tests.real.portal import Owner, Portal
from tests.real.waiting import eventually


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Auth0Process]]:
    with auth0_portal(tmp_path_factory.mktemp("story")) as both:
        yield both


@pytest.fixture
def portal(both: tuple[Portal, Auth0Process]) -> Portal:
    return both[0]


@pytest.fixture
def owner(portal: Portal) -> Owner:
    return portal.add_owner()


@pytest.fixture
def tenant(both: tuple[Portal, Auth0Process]) -> Iterator[Auth0Process]:
    yield both[1]
    both[1].set_faults()
    both[1].set_scopes(*ALL)
    both[1].revoke_tokens()


def works(tenant: Auth0Process, secret: dict[str, str]) -> bool:
    try:
        return bool(tenant.mint(secret["client_id"], secret["client_secret"]))
    except TokenRefused:
        return False


def test_a_key_is_exchanged_for_tokens_of_its_customer(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    key = issue(portal, owner)
    assert set(key["secret"]) == {"client_id", "client_secret", "token_url", "audience"}
    assert key["secret"]["token_url"] == f"{tenant.url}/oauth/token"
    assert key["scopes"] == ["orders:read", "orders:write"]
    claims = tenant.mint(key["secret"]["client_id"], key["secret"]["client_secret"])
    accounts = portal.api("GET", f"/customers/{owner.customer}").json()["accounts"]
    (organization,) = [account for account in accounts if account["kind"] == "organization"]
    assert claims["org_id"] == organization["external_id"]
    (found,) = portal.api("GET", f"/customers?account={claims['org_id']}").json()["results"]
    assert found["id"] == owner.customer


def test_a_scope_that_the_api_lacks_is_refused_at_once(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    before = tenant.counts().get("requests", 0)
    refused = portal.api("POST", "/keys", {**owner.body, "name": "x", "scopes": ["orders:delete"]})
    assert (refused.status, refused.json()["code"]) == (422, "invalid")
    assert "scopes" in refused.json()["errors"]
    fewer = issue(portal, owner, scopes=["orders:read"])
    claims = tenant.mint(fewer["secret"]["client_id"], fewer["secret"]["client_secret"])
    assert claims["scope"] == "orders:read"
    assert tenant.counts()["requests"] > before


def test_two_applications_live_side_by_side_until_the_overlap_ends(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    old = issue(portal, owner)
    answer = portal.api("POST", f"/keys/{old['id']}/rotate", {"overlap": "4s"}, prefer="wait=25")
    assert answer.status == 201, answer.body
    new = answer.json()
    assert works(tenant, new["secret"])
    assert new["secret"]["client_id"] != old["secret"]["client_id"]
    assert key_of(portal, old)["status"] != "active" or works(tenant, old["secret"])
    becomes(portal, old, "revoked")
    assert not works(tenant, old["secret"])
    assert works(tenant, new["secret"])


def test_revoking_says_until_when_tokens_live(portal: Portal, tenant: Auth0Process, owner: Owner) -> None:
    key = issue(portal, owner)
    assert key_of(portal, key)["tokens_valid_until"] is None
    assert portal.api("POST", f"/keys/{key['id']}/revoke", {"reason": "leaked"}).status in (200, 202)
    ended = becomes(portal, key, "revoked")
    assert not works(tenant, key["secret"])
    live = datetime.fromisoformat(ended["tokens_valid_until"]) - datetime.fromisoformat(ended["revoked_at"])
    assert live == timedelta(hours=24)


def test_without_the_permission_a_person_is_told_what_to_delete(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    key = issue(portal, owner)
    tenant.set_scopes(*TEN_SCOPES)
    tenant.revoke_tokens()
    portal.api("POST", f"/keys/{key['id']}/revoke")

    def stopped() -> bool:
        return bool(operation_of(portal, key)["status"] == "needs_attention")

    eventually(stopped, "it needs a person", seconds=90)
    name = f"Latchkey {key['id'].replace('_', '-').lower()}"
    operation = operation_of(portal, key)
    assert operation["error"]["code"] == "auth0_revoke_not_permitted"
    assert name in operation["error"]["detail"]
    assert works(tenant, key["secret"])
    assert tenant.delete_client_named(name) == 1
    again = portal.api("POST", f"/operations/{operation['id']}/retry", {"confirm_absent": True})
    assert again.status == 202
    becomes(portal, key, "revoked")
    assert issue(portal, owner)["secret"], "everything else keeps working"


def test_reconcile_tells_ours_from_strangers(portal: Portal, tenant: Auth0Process, owner: Owner) -> None:
    deleted, kept = issue(portal, owner), issue(portal, owner)
    strangers = {id for id, c in tenant.truth().alive["clients"].items() if c["name"].startswith("stranger")}
    assert tenant.delete_client_named(f"Latchkey {deleted['id'].replace('_', '-').lower()}") == 1
    stray = tenant.add_stray(portal.url)
    found = json.loads(portal.manage("reconcile", "--format", "json", check=False).stdout)
    told = {(drift["kind"], drift["external_id"]) for drift in found}
    assert told == {("missing", deleted["secret"]["client_id"]), ("orphaned", stray)}
    assert portal.manage("reconcile", "--repair").returncode == 0
    becomes(portal, deleted, "revoked")
    assert works(tenant, kept["secret"])
    alive = tenant.truth().alive["clients"]
    assert stray not in alive
    assert strangers <= set(alive)


def test_closing_a_customer_ends_all_its_applications(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    keys = [issue(portal, owner) for _ in range(3)]
    assert portal.api("PATCH", f"/customers/{owner.customer}", {"status": "closed"}).status == 200
    for key in keys:
        becomes(portal, key, "revoked")
        assert not works(tenant, key["secret"])


def test_provisioning_without_a_key_makes_the_member(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    asked = portal.api("POST", f"/customers/{owner.customer}/provision", {"user": owner.user})
    assert asked.status == 202

    def done() -> bool:
        state = portal.api("GET", f"/operations/{asked.json()['id']}").json()["status"]
        return bool(state == "succeeded")

    eventually(done, "it is provisioned", seconds=30)
    (user,) = [u for u in tenant.truth().alive["users"].values() if u["email"] == owner.user]
    assert user["app_metadata"]["customerId"] == owner.external_id


def test_a_key_that_was_cancelled_leaves_nothing_behind(
    portal: Portal, tenant: Auth0Process, owner: Owner
) -> None:
    issue(portal, owner)
    before = set(tenant.truth().alive["clients"])
    tenant.set_faults(unavailable=1, only="/api/v2/client-grants")
    asked = ask(portal, owner)
    eventually(lambda: set(tenant.truth().alive["clients"]) > before, "the application is there", seconds=30)
    assert portal.api("POST", f"/operations/{asked['operation']}/cancel").status in (200, 202)
    becomes(portal, asked, "failed", seconds=60)
    assert set(tenant.truth().alive["clients"]) == before


def test_health_tells_what_a_permission_would_add(portal: Portal, tenant: Auth0Process) -> None:
    (shown,) = portal.api("GET", "/plugins").json()["results"]
    assert (shown["slug"], shown["healthy"]) == ("auth0-m2m", True)
    assert shown["capabilities"] == ["find", "revoke", "rotate", "list", "check"]
