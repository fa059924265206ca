"""The fake tenant lets in what Auth0 lets in, and says of the rest what Auth0 says."""

from collections.abc import Callable
from typing import Any

import pytest
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError

from tests.fakes.auth0 import sdk
from tests.fakes.auth0.ledger import AUDIENCE
from tests.fakes.auth0.process import TEN_SCOPES, Auth0Process

pytestmark = pytest.mark.once
DATABASE = "Username-Password-Authentication"
ORGANIZATION = {"organization_id": "org_none", "flows": ["client_credentials"]}
CALLS: list[tuple[str, Callable[[Auth0], Any]]] = [
    ("read:users", lambda api: api.users.list_users_by_email(email="a@example.com")),
    ("create:users", lambda api: api.users.create(connection="email")),
    ("read:users", lambda api: api.users.get("auth0|none")),
    ("update:users", lambda api: api.users.update("auth0|none", blocked=True)),
    ("read:organizations", lambda api: api.users.organizations.list("auth0|none")),
    ("create:organizations", lambda api: api.organizations.create(name="-")),
    ("read:organizations", lambda api: api.organizations.list()),
    ("read:organizations", lambda api: api.organizations.get("org_none")),
    ("read:organizations", lambda api: api.organizations.get_by_name("none")),
    ("create:organization_members", lambda api: api.organizations.members.create("org_none", members=["u"])),
    (
        "create:organization_client_grants",
        lambda api: api.organizations.client_grants.create("org_none", grant_id="cgr_none"),
    ),
    ("read:clients", lambda api: api.clients.list()),
    ("read:clients", lambda api: api.clients.get("none")),
    ("create:clients", lambda api: api.clients.create(name="<")),
    ("update:clients", lambda api: api.clients.update("none", name="other")),
    ("update:client_keys", lambda api: api.clients.rotate_secret("none")),
    ("delete:clients", lambda api: api.clients.delete("none")),
    ("create:client_grants", lambda api: api.client_grants.create(client_id="none", audience=AUDIENCE)),
    ("read:client_grants", lambda api: api.client_grants.list()),
    ("delete:client_grants", lambda api: api.client_grants.delete("none")),
]
BAD_BODIES: list[Callable[[Auth0], Any]] = [
    lambda api: api.organizations.create(name=""),
    lambda api: api.organizations.create(name="Acme"),
    lambda api: api.organizations.create(name="_acme"),
    lambda api: api.organizations.create(name="a" * 51),
    lambda api: api.organizations.create(name="acme", display_name=None),
    lambda api: api.organizations.create(name="acme", metadata={str(n): "" for n in range(26)}),
    lambda api: api.organizations.create(name="acme", metadata={"a": "b" * 256}),
    lambda api: api.organizations.create(name="acme", metadata={"a": 1}),  # type: ignore[dict-item]
    lambda api: api.organizations.create(name="acme", request_options=more(app_metadata={})),
    lambda api: api.organizations.members.create("org_none", members=[]),
    lambda api: api.organizations.members.create("org_none", members=[str(n) for n in range(11)]),
    lambda api: api.clients.create(name=""),
    lambda api: api.clients.create(name="a<b"),
    lambda api: api.clients.create(name="a", description="d" * 141),
    lambda api: api.clients.create(name="a", client_metadata={str(n): "" for n in range(11)}),
    lambda api: api.clients.create(name="a", client_metadata={"a": "b" * 256}),
    lambda api: api.clients.create(name="a", client_metadata=None),
    lambda api: api.clients.create(name="a", app_type="machine"),
    lambda api: api.clients.create(name="a", organization_usage="always"),
    lambda api: api.clients.create(name="a", is_first_party="yes"),  # type: ignore[arg-type]
    lambda api: api.clients.create(name="a", default_organization=ORGANIZATION),  # type: ignore[arg-type]
    lambda api: api.clients.create(name="a", request_options=more(secret="mine")),
    lambda api: api.client_grants.create(client_id="a", audience=AUDIENCE, organization_usage="always"),
    lambda api: api.client_grants.create(client_id="a", audience=AUDIENCE, scope="orders:read"),
    lambda api: api.client_grants.create(audience=AUDIENCE),
    lambda api: api.users.create(connection=DATABASE, email="a@example.com"),
    lambda api: api.users.create(connection=DATABASE, email="a@example.com", password="7 chars"),
    lambda api: api.users.create(connection=DATABASE, email="nobody", password="longenough"),
    lambda api: api.users.create(connection="email", email="a@example.com", app_metadata={"a.b": 1}),
    lambda api: api.users.create(connection="email", email="a@example.com", app_metadata={"a": {"$": 1}}),
    lambda api: api.users.create(connection="email", email="a@example.com", request_options=more(x=1)),
]


def status(call: Callable[[Auth0], Any], api: Auth0) -> int:
    try:
        call(api)
    except ApiError as error:
        return error.status_code or 0
    return 200


def more(**members: Any) -> Any:
    return {"additional_body_parameters": members}


@pytest.mark.parametrize(("scope", "call"), CALLS)
def test_each_endpoint_wants_its_own_scope(
    tenant: Auth0Process, scope: str, call: Callable[..., Any]
) -> None:
    everything = {scope for scope, _ in CALLS} | set(TEN_SCOPES)
    tenant.set_scopes(*everything - {scope})
    with sdk.connected(tenant) as api, pytest.raises(ApiError) as without:
        call(api)
    assert (without.value.status_code, without.value.body["errorCode"]) == (403, "insufficient_scope")
    tenant.set_scopes(scope)
    with sdk.connected(tenant) as api:
        assert status(call, api) in (200, 400, 404)


def test_a_token_names_the_scopes_it_was_issued_with(tenant: Auth0Process) -> None:
    tenant.set_scopes("read:users", "read:clients")
    answer = sdk.fetch_token(tenant).json()
    assert (answer["scope"], answer["expires_in"]) == ("read:users read:clients", 86400)


def test_a_revoked_token_is_refused_and_a_new_one_is_not(tenant: Auth0Process, api: Auth0) -> None:
    def look(api: Auth0) -> Any:
        return api.users.list_users_by_email(email="a@example.com")

    assert status(look, api) == 200
    tenant.revoke_tokens()
    assert status(look, api) == 401
    with sdk.connected(tenant) as again:
        assert status(look, again) == 200


@pytest.mark.parametrize("call", BAD_BODIES)
def test_a_body_that_auth0_would_not_take_is_refused(
    tenant: Auth0Process, api: Auth0, call: Callable[[Auth0], Any]
) -> None:
    before = tenant.ledger.read_bytes()
    with pytest.raises(ApiError) as caught:
        call(api)
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (400, "invalid_body")
    assert tenant.ledger.read_bytes() == before


@pytest.mark.parametrize(
    "query",
    [{"per_page": 101}, {"per_page": "many"}, {"sort": "name:1"}, {"page": 1, "take": 5}, {"page": -1}],
)
def test_a_query_that_auth0_would_not_take_is_refused(
    tenant: Auth0Process, api: Auth0, query: dict[str, Any]
) -> None:
    token = sdk.fetch_token(tenant).json()["access_token"]
    with sdk.trusting(tenant) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.get(f"{tenant.url}/api/v2/organizations", params=query, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_query_string")


def test_nothing_is_answered_without_a_token(tenant: Auth0Process) -> None:
    with sdk.trusting(tenant) as client:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eA=="}):
            answer = client.get(f"{tenant.url}/api/v2/clients", headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")
