"""Applications, and the secrets that are shown once."""

import secrets
from typing import Any

from tests.fakes.auth0.paging import paged, projected
from tests.fakes.auth0.refusals import invalid_body, refused
from tests.fakes.auth0.shapes import Check, Shape, flag, metadata, one_of, text, texts
from tests.fakes.auth0.tenant import Call, Tenant, alphanumeric
from tests.fakes.faulty import Answer
from tests.fakes.ledger import Line, digest

APP_TYPES = ("native", "spa", "regular_web", "non_interactive", "resource_server", "express_configuration")
app_type = one_of(*APP_TYPES)
_GRANT_TYPES = ("authorization_code", "implicit", "refresh_token", "client_credentials", "password")
_DEFAULT_ORGANIZATION = Shape(
    {"organization_id": text(1, 50), "flows": texts(one_of("client_credentials"), 1)},
    required=("organization_id", "flows"),
)
_MEMBERS: dict[str, Check] = {
    "name": text(1, 1000, r"[^<>]+"), "description": text(0, 140), "app_type": app_type,
    "is_first_party": flag, "oidc_conformant": flag,
    "default_organization": _DEFAULT_ORGANIZATION, "organization_usage": one_of("deny", "allow", "require"),
    "grant_types": texts(one_of(*_GRANT_TYPES)),
    "token_endpoint_auth_method": one_of("none", "client_secret_post", "client_secret_basic"),
}  # fmt: skip
NEW = Shape({**_MEMBERS, "client_metadata": metadata(10)}, required=("name",))
CHANGED = Shape({**_MEMBERS, "client_metadata": metadata(10, removable=True)})


def create(tenant: Tenant, call: Call) -> Answer:
    if len(tenant.truth.alive["clients"]) >= tenant.applications:
        message = "You reached the limit of entities of this type for this tenant."
        raise refused(403, message, "too_many_entities")
    _check_organization(tenant, call.body)
    line, secret = new(call.body)
    id = line["id"]
    tenant.ledger.commit_all([line])
    tenant.client_secrets[id] = secret
    tenant.shown.append(secret)
    return 201, _shown(tenant, id, frozenset({"read:client_keys"}))


def new(asked: dict[str, Any]) -> tuple[Line, str]:
    """The ledger's line of a new client, and its raw secret."""
    secret = secrets.token_urlsafe(48)
    machine = asked.get("app_type") == "non_interactive"
    grant_types = ["client_credentials"] if machine else list(_GRANT_TYPES[:4])
    defaults = {"is_first_party": True, "grant_types": grant_types}
    client = {**defaults, **asked, "digest": digest(secret)}
    return {"event": "created", "kind": "clients", "id": alphanumeric(32), "object": client}, secret


def list_all(tenant: Tenant, call: Call) -> Answer:
    wanted = call.query.get("app_type")
    types = wanted.split(",") if wanted else None
    clients = tenant.truth.alive["clients"]
    ids = [id for id, client in clients.items() if types is None or client.get("app_type") in types]
    return paged(
        "clients", tenant.visible("clients", ids),
        lambda id: projected(_shown(tenant, id, call.scopes), call.query), call.query,
    )  # fmt: skip


def get(tenant: Tenant, call: Call) -> Answer:
    _living(tenant, call.ids[0])
    return 200, projected(_shown(tenant, call.ids[0], call.scopes), call.query)


def change(tenant: Tenant, call: Call) -> Answer:
    id = call.ids[0]
    known = _living(tenant, id)
    _check_organization(tenant, call.body)
    changed = {**known, **call.body}
    if "client_metadata" in call.body:
        merged = {**known.get("client_metadata", {}), **call.body["client_metadata"]}
        changed["client_metadata"] = {name: value for name, value in merged.items() if value is not None}
        if len(changed["client_metadata"]) > 10:
            raise invalid_body("Too many properties defined, maximum 10, on property client_metadata")
    tenant.ledger.commit("changed", "clients", id, object=changed)
    return 200, _shown(tenant, id, call.scopes)


def rotate(tenant: Tenant, call: Call) -> Answer:
    id = call.ids[0]
    _living(tenant, id)
    secret = secrets.token_urlsafe(48)
    tenant.ledger.commit("rotated", "clients", id, digest=digest(secret))
    tenant.client_secrets[id] = secret
    tenant.shown.append(secret)
    return 200, _shown(tenant, id, frozenset({"read:client_keys"}))


def delete(tenant: Tenant, call: Call) -> Answer:
    """204 for one that is gone too."""
    if call.ids[0] in tenant.truth.alive["clients"]:
        tenant.delete("clients", call.ids[0])
    return 204, {}


def _living(tenant: Tenant, id: str) -> dict[str, Any]:
    return tenant.living("clients", id, "The client does not exist", "inexistent_client")


def _check_organization(tenant: Tenant, body: dict[str, Any]) -> None:
    default = body.get("default_organization")
    if default is not None and default["organization_id"] not in tenant.truth.alive["organizations"]:
        raise invalid_body("default_organization.organization_id does not exist")


def _shown(tenant: Tenant, id: str, scopes: frozenset[str]) -> dict[str, Any]:
    client = {name: value for name, value in tenant.truth.alive["clients"][id].items() if name != "digest"}
    at = tenant.created_at("clients", id)
    shown = {"tenant": "fake", "global": False, "client_id": id, "created_at": at, "updated_at": at, **client}
    if "read:client_keys" in scopes and id in tenant.client_secrets:
        shown["client_secret"] = tenant.client_secrets[id]
    return shown
