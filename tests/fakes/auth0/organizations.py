"""Organizations and their members."""

from typing import Any

from tests.fakes.auth0.paging import paged
from tests.fakes.auth0.refusals import refused
from tests.fakes.auth0.shapes import Shape, document, metadata, text, texts
from tests.fakes.auth0.tenant import Call, Tenant, alphanumeric
from tests.fakes.faulty import Answer

NEW = Shape(
    {
        "name": text(1, 50, r"[a-z0-9][a-z0-9_-]*"), "display_name": text(1, 255),
        "metadata": metadata(25), "branding": document,
    },
    required=("name",),
)  # fmt: skip
NEW_MEMBERS = Shape({"members": texts(text(1), 1, 10)}, required=("members",))


def create(tenant: Tenant, call: Call) -> Answer:
    if tenant.truth.found("organizations", "name", call.body["name"]):
        raise refused(409, "An organization with this name already exists.", "organization_conflict")
    id = f"org_{alphanumeric(16)}"
    tenant.ledger.commit("created", "organizations", id, object=call.body)
    return 201, shown(tenant, id)


def list_all(tenant: Tenant, call: Call) -> Answer:
    ids = tenant.visible("organizations", tenant.truth.alive["organizations"])
    return paged("organizations", ids, lambda id: shown(tenant, id), call.query)


def get(tenant: Tenant, call: Call) -> Answer:
    living(tenant, call.ids[0])
    return 200, shown(tenant, call.ids[0])


def by_name(tenant: Tenant, call: Call) -> Answer:
    found = tenant.truth.found("organizations", "name", call.ids[0])
    if not found:
        raise refused(404, "No organization found by that id or name", "inexistent_organization")
    return 200, shown(tenant, found[0])


def add_members(tenant: Tenant, call: Call) -> Answer:
    """All or none; who is a member already stays one."""
    organization, users = call.ids[0], call.body["members"]
    living(tenant, organization)
    for user in users:
        tenant.living("users", user, "The user does not exist.", "inexistent_user")
    wanted = {f"{organization} {user}": {"organization": organization, "user": user} for user in users}
    tenant.ledger.commit_all(
        {"event": "created", "kind": "members", "id": id, "object": member}
        for id, member in wanted.items()
        if id not in tenant.truth.alive["members"]
    )
    return 204, {}


def living(tenant: Tenant, id: str) -> dict[str, Any]:
    missing = "No organization found by that id or name"
    return tenant.living("organizations", id, missing, "inexistent_organization")


def shown(tenant: Tenant, id: str) -> dict[str, Any]:
    return {"id": id, "display_name": tenant.truth.alive["organizations"][id]["name"]} | (
        tenant.truth.alive["organizations"][id]
    )
