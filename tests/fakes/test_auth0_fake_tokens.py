"""Clients of the fake tenant, their secrets, and the tokens that they get for one organization alone."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError

from tests.fakes.auth0 import sdk
from tests.fakes.auth0.ledger import AUDIENCE
from tests.fakes.auth0.process import Auth0Process, TokenRefused

pytestmark = pytest.mark.once


@dataclass
class Key:
    client: str
    secret: str
    organization: str
    grant: str = ""


def name() -> str:
    return f"x-{uuid4().hex[:12]}"


def organization(api: Auth0) -> str:
    return str(api.organizations.create(name=name()).id)


def client(api: Auth0, **members: Any) -> Key:
    """A client whose default organization is a new one."""
    there = organization(api)
    asked = {
        "name": f"Latchkey {name()}", "app_type": "non_interactive", "organization_usage": "require",
        "default_organization": {"organization_id": there, "flows": ["client_credentials"]}, **members,
    }  # fmt: skip
    made = api.clients.create(**asked)
    return Key(str(made.client_id), str(made.client_secret), there)


def granted(api: Auth0, key: Key, **members: Any) -> Key:
    asked = {"audience": AUDIENCE, "scope": ["orders:read"], "organization_usage": "require", **members}
    key.grant = str(api.client_grants.create(client_id=key.client, **asked).id)
    return key


def issued(api: Auth0, **members: Any) -> Key:
    """The whole flow of a key."""
    key = granted(api, client(api, **members))
    api.organizations.client_grants.create(key.organization, grant_id=key.grant)
    return key


def refusal(call: Any) -> tuple[int | None, str]:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.status_code, caught.value.body.get("errorCode", "")


def test_a_key_mints_tokens_of_its_own_organization(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    claims = tenant.mint(key.client, key.secret)
    assert claims["sub"] == f"{key.client}@clients"
    assert (claims["org_id"], claims["scope"], claims["gty"]) == (
        key.organization, "orders:read", "client-credentials",
    )  # fmt: skip
    assert claims["exp"] - claims["iat"] == 86400
    assert tenant.accepts(key.secret)


def test_without_association_there_is_no_token(tenant: Auth0Process, api: Auth0) -> None:
    key = granted(api, client(api))
    with pytest.raises(TokenRefused, match="403 access_denied"):
        tenant.mint(key.client, key.secret)
    assert not tenant.accepts(key.secret)


def test_an_association_with_another_organization_gives_tokens_for_that_one_only(
    tenant: Auth0Process, api: Auth0
) -> None:
    key, other = granted(api, client(api)), organization(api)
    api.organizations.client_grants.create(other, grant_id=key.grant)
    with pytest.raises(TokenRefused, match="403"):
        tenant.mint(key.client, key.secret)
    assert tenant.mint(key.client, key.secret, organization=other)["org_id"] == other


def test_the_default_organization_counts_only_where_one_is_required(tenant: Auth0Process, api: Auth0) -> None:
    key = granted(api, client(api), organization_usage="allow")
    api.organizations.client_grants.create(key.organization, grant_id=key.grant)
    assert "org_id" not in tenant.mint(key.client, key.secret)
    assert not tenant.accepts(key.secret)


@pytest.mark.parametrize("wrong", ["secret", "client", "audience"])
def test_the_token_endpoint_refuses_what_is_wrong(tenant: Auth0Process, api: Auth0, wrong: str) -> None:
    key = issued(api)
    sent = {"secret": key.secret, "client": key.client, "audience": AUDIENCE, wrong: "wrong"}
    expected = {
        "secret": "401 access_denied",
        "client": "401 invalid_client",
        "audience": "403 access_denied",
    }
    with pytest.raises(TokenRefused, match=expected[wrong]):
        tenant.mint(sent["client"], sent["secret"], audience=sent["audience"])


def test_the_token_endpoint_takes_json_and_nothing_unknown(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    body = {"grant_type": "client_credentials", "client_id": key.client, "client_secret": key.secret}
    with sdk.trusting(tenant) as http:
        taken = http.post(f"{tenant.url}/oauth/token", json={**body, "audience": AUDIENCE})
        refused = http.post(f"{tenant.url}/oauth/token", json={**body, "resource": AUDIENCE})
    assert (taken.status_code, refused.status_code) == (200, 403)


def test_names_are_not_unique_and_a_person_deletes_by_name(tenant: Auth0Process, api: Auth0) -> None:
    mine = f"Latchkey {name()}"
    keys = [issued(api, name=mine) for _ in range(2)]
    assert tenant.delete_client_named(mine) == 2
    assert tenant.delete_client_named(mine) == 0
    assert not any(tenant.accepts(key.secret) for key in keys)


def test_a_secret_is_shown_once_and_is_never_in_the_ledger(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    assert api.clients.get(key.client).client_secret is None
    rotated = str(api.clients.rotate_secret(key.client).client_secret)
    assert not tenant.accepts(key.secret)
    assert tenant.accepts(rotated)
    assert tenant.mint(key.client, rotated)["org_id"] == key.organization
    assert {key.secret, rotated, tenant.settings["PLUGIN_AUTH0_M2M_CLIENT_SECRET"]} <= set(tenant.secrets())
    stored = tenant.ledger.read_text()
    assert not [secret for secret in tenant.secrets() if secret in stored]


def test_who_may_read_keys_sees_secrets(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    tenant.set_scopes("read:clients", "read:client_keys")
    with sdk.connected(tenant) as reader:
        assert reader.clients.get(key.client).client_secret == key.secret


def test_secrets_look_as_at_auth0(api: Auth0) -> None:
    key = client(api)
    assert (len(key.client), key.client.isalnum(), len(key.secret)) == (32, True, 64)


def test_a_client_takes_its_grants_and_their_associations_along(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    for _ in range(2):
        api.clients.delete(key.client)
    truth = tenant.truth()
    assert key.client not in truth.alive["clients"]
    assert key.grant not in truth.alive["client-grants"]
    assert not truth.is_associated(key.organization, key.grant)
    assert truth.found("organization-grants", "grant", key.grant) == []


def test_an_organization_that_is_deleted_in_the_dashboard_ends_its_keys(
    tenant: Auth0Process, api: Auth0
) -> None:
    key = issued(api)
    who = str(api.users.create(connection="email", email=f"{name()}@example.com").user_id)
    api.organizations.members.create(key.organization, members=[who])
    tenant.delete("organizations", key.organization)
    assert not tenant.accepts(key.secret)
    assert list(api.users.organizations.list(who)) == []
    tenant.delete("users", who)
    assert refusal(lambda: api.users.get(who)) == (404, "inexistent_user")


def test_grants_exist_once_for_what_exists(tenant: Auth0Process, api: Auth0) -> None:
    key = issued(api)
    assert refusal(lambda: granted(api, key))[0] == 409
    assert refusal(lambda: granted(api, key, audience="https://unknown.example.com/"))[0] == 404
    assert refusal(lambda: granted(api, Key("none", "", "")))[0] == 404
    assert refusal(lambda: granted(api, client(api), scope=["orders:burn"])) == (400, "invalid_body")
    associate = api.organizations.client_grants.create
    assert refusal(lambda: associate(key.organization, grant_id=key.grant))[0] == 409
    assert refusal(lambda: associate("org_none", grant_id=key.grant))[0] == 404
    assert refusal(lambda: associate(key.organization, grant_id="cgr_none"))[0] == 404
    closed = granted(api, client(api), organization_usage="deny")
    assert refusal(lambda: associate(closed.organization, grant_id=closed.grant))[0] == 400


def test_grants_are_found_by_client_and_audience(api: Auth0) -> None:
    key = issued(api)
    assert [grant.id for grant in api.client_grants.list(client_id=key.client)] == [key.grant]
    assert key.grant in [grant.id for grant in api.client_grants.list(audience=AUDIENCE, take=100)]
    for _ in range(2):
        api.client_grants.delete(key.grant)
    assert list(api.client_grants.list(client_id=key.client)) == []


def test_an_association_names_its_grant_apart_from_itself(api: Auth0) -> None:
    key = granted(api, client(api))
    made = api.organizations.client_grants.create(key.organization, grant_id=key.grant)
    assert made.model_extra is not None
    assert made.model_extra["grant_id"] == key.grant
    assert made.id != key.grant


def test_an_organization_takes_a_hundred_grants(tenant: Auth0Process, api: Auth0) -> None:
    there = organization(api)
    keys = [granted(api, client(api)) for _ in range(101)]
    for key in keys[:100]:
        api.organizations.client_grants.create(there, grant_id=key.grant)
    last = keys[100].grant
    assert refusal(lambda: api.organizations.client_grants.create(there, grant_id=last))[0] == 403
    assert len(tenant.truth().found("organization-grants", "organization", there)) == 100


def test_a_grant_for_the_management_api_is_counted(tenant: Auth0Process, api: Auth0) -> None:
    assert "management_grants" not in tenant.counts()
    granted(api, client(api), audience=f"{tenant.url}/api/v2/", scope=["read:users"])
    assert tenant.counts()["management_grants"] == 1


def test_a_tenant_has_room_for_so_many_applications(tenant: Auth0Process, api: Auth0) -> None:
    tenant.limit_applications(len(tenant.truth().alive["clients"]) + 1)
    client(api)
    assert refusal(lambda: client(api)) == (403, "too_many_entities")
    tenant.limit_applications(100_000)


def test_changes_of_a_client_merge_its_metadata(api: Auth0) -> None:
    key = client(api, client_metadata={"a": "1", "b": "2"})
    changed = api.clients.update(key.client, client_metadata={"a": None, "c": "3"}, description="d")
    assert (changed.client_metadata, changed.description) == ({"b": "2", "c": "3"}, "d")
    assert refusal(lambda: api.clients.update("none", description="d"))[0] == 404
