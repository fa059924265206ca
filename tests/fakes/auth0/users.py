"""Users, by id and by e-mail, and the organizations they belong to."""

import secrets
from typing import Any

from tests.fakes.auth0 import organizations
from tests.fakes.auth0.paging import paged, projected
from tests.fakes.auth0.refusals import invalid_body, refused
from tests.fakes.auth0.shapes import EMAIL, Check, Shape, document, flag, text
from tests.fakes.auth0.tenant import Call, Tenant
from tests.fakes.faulty import Answer

CONNECTIONS = {"Username-Password-Authentication": "auth0", "email": "email"}
"""Connection → the provider that its users' ids begin with."""
PASSWORD_CHARACTERS = 8
_PROFILE: dict[str, Check] = {
    "app_metadata": document, "user_metadata": document, "blocked": flag, "email_verified": flag,
    "given_name": text(1, 150), "family_name": text(1, 150), "name": text(1, 300),
    "nickname": text(1, 300), "picture": text(1, 2000),
}  # fmt: skip
NEW = Shape(
    {
        **_PROFILE, "connection": text(1), "email": text(3, 254, EMAIL), "password": text(1),
        "verify_email": flag, "user_id": text(1, 255, r"[A-Za-z0-9|_-]+"),
    },
    required=("connection",),
)  # fmt: skip
CHANGED = Shape(_PROFILE)
_UNSTORED = ("password", "verify_email", "user_id")


def by_email(tenant: Tenant, call: Call) -> Answer:
    """Case-sensitive, on what is stored."""
    ids = tenant.visible("users", tenant.truth.found("users", "email", call.query["email"]))
    return 200, [projected(_shown(tenant, id), call.query) for id in ids]


def get(tenant: Tenant, call: Call) -> Answer:
    _living(tenant, call.ids[0])
    return 200, projected(_shown(tenant, call.ids[0]), call.query)


def create(tenant: Tenant, call: Call) -> Answer:
    body = call.body
    provider = CONNECTIONS.get(body["connection"])
    if provider is None:
        raise refused(400, "The connection does not exist.", "inexistent_connection")
    needed = ("email", "password") if provider == "auth0" else ("email",)
    if missing := [name for name in needed if name not in body]:
        raise invalid_body(f"Missing required property: {missing[0]}")
    if "password" in body and len(body["password"]) < PASSWORD_CHARACTERS:
        raise refused(400, "PasswordStrengthError: Password is too weak", "invalid_body")
    id = f"{provider}|{body.get('user_id', secrets.token_hex(12))}"
    email = body["email"].lower()
    known = (tenant.truth.alive["users"][other] for other in tenant.truth.found("users", "email", email))
    if id in tenant.truth.alive["users"] or any(o["connection"] == body["connection"] for o in known):
        raise refused(409, "The user already exists.", "auth0_idp_error")
    stored = {name: value for name, value in body.items() if name not in _UNSTORED}
    tenant.ledger.commit("created", "users", id, object={**stored, "email": email})
    if "password" in body:
        tenant.shown.append(body["password"])
    if body.get("verify_email") is not False:
        tenant.counts["mails_sent"] += 1
    return 201, _shown(tenant, id)


def change(tenant: Tenant, call: Call) -> Answer:
    id = call.ids[0]
    known = _living(tenant, id)
    changed = dict(call.body)
    for name in ("app_metadata", "user_metadata"):
        if name in changed:
            changed[name] = _merged(known.get(name, {}), changed[name])
    tenant.ledger.commit("changed", "users", id, object={**known, **changed})
    return 200, _shown(tenant, id)


def organizations_of(tenant: Tenant, call: Call) -> Answer:
    """Its total says nothing, as it does at Auth0."""
    _living(tenant, call.ids[0])
    memberships = tenant.visible("members", tenant.truth.found("members", "user", call.ids[0]))
    ids = [tenant.truth.alive["members"][id]["organization"] for id in memberships]
    return paged("organizations", ids, lambda id: organizations.shown(tenant, id), call.query, total=0)


def _living(tenant: Tenant, id: str) -> dict[str, Any]:
    return tenant.living("users", id, "The user does not exist.", "inexistent_user")


def _merged(known: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The first level, where null removes; an empty object clears all."""
    merged = {**known, **asked} if asked else {}
    return {name: value for name, value in merged.items() if value is not None}


def _shown(tenant: Tenant, id: str) -> dict[str, Any]:
    user = dict(tenant.truth.alive["users"][id])
    connection = user.pop("connection")
    provider, own = id.split("|", 1)
    identity = {"connection": connection, "provider": provider, "user_id": own, "isSocial": False}
    at = tenant.created_at("users", id)
    return {
        "email_verified": False, "name": user["email"], **user,
        "user_id": id, "identities": [identity], "created_at": at, "updated_at": at,
    }  # fmt: skip
