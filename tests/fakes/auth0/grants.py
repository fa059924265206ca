"""What clients may ask which API for, and in which organizations."""

from typing import Any

from tests.fakes.auth0 import organizations
from tests.fakes.auth0.paging import paged
from tests.fakes.auth0.refusals import invalid_body, refused
from tests.fakes.auth0.shapes import Shape, flag, one_of, text, texts
from tests.fakes.auth0.tenant import Call, Tenant, alphanumeric
from tests.fakes.faulty import Answer

NEW = Shape(
    {
        "client_id": text(1), "audience": text(1, 600), "scope": texts(text(1, 280)),
        "organization_usage": one_of("deny", "allow", "require"), "allow_any_organization": flag,
        "subject_type": one_of("client", "user"),
    },
    required=("client_id", "audience"),
)  # fmt: skip
NEW_ASSOCIATION = Shape({"grant_id": text(1)}, required=("grant_id",))
PER_ORGANIZATION = 100


def create(tenant: Tenant, call: Call) -> Answer:
    body = {"scope": [], **call.body}
    client, audience = body["client_id"], body["audience"]
    tenant.living("clients", client, "The client does not exist", "inexistent_client")
    if audience not in (tenant.truth.audience, tenant.management_audience):
        raise refused(404, "The resource server does not exist", "inexistent_resource_server")
    if audience == tenant.truth.audience and (unknown := set(body["scope"]) - tenant.api_scopes):
        raise invalid_body(f"The API has no such scopes: {', '.join(sorted(unknown))}")
    if tenant.truth.grant(client, audience) is not None:
        raise refused(409, "A client grant for this audience exists already.", "client_grant_conflict")
    id = f"cgr_{alphanumeric(16)}"
    tenant.ledger.commit("created", "client-grants", id, object=body)
    if audience == tenant.management_audience:
        tenant.counts["management_grants"] += 1
    return 201, {"id": id, **body}


def list_all(tenant: Tenant, call: Call) -> Answer:
    grants, truth = tenant.truth.alive["client-grants"], tenant.truth
    client, audience = call.query.get("client_id"), call.query.get("audience")
    ids = list(grants) if client is None else truth.found("client-grants", "client_id", client)
    ids = [id for id in ids if audience in (None, grants[id]["audience"])]
    seen = tenant.visible("client-grants", ids)
    return paged("client_grants", seen, lambda id: {"id": id, **grants[id]}, call.query)


def delete(tenant: Tenant, call: Call) -> Answer:
    """204 for one that is gone too."""
    if call.ids[0] in tenant.truth.alive["client-grants"]:
        tenant.delete("client-grants", call.ids[0])
    return 204, {}


def associate(tenant: Tenant, call: Call) -> Answer:
    organization, grant_id = call.ids[0], call.body["grant_id"]
    organizations.living(tenant, organization)
    grant = tenant.living("client-grants", grant_id, "No client grant found by that id")
    if tenant.truth.is_associated(organization, grant_id):
        raise refused(409, "The client grant is associated with the organization already.", "conflict")
    if grant.get("organization_usage") not in ("allow", "require"):
        raise invalid_body("The client grant does not allow organizations")
    if len(tenant.truth.found("organization-grants", "organization", organization)) >= PER_ORGANIZATION:
        raise refused(403, "The organization has too many client grants.", "too_many_entities")
    made: dict[str, Any] = {"organization": organization, "grant": grant_id}
    id = f"{organization} {grant_id}"
    tenant.ledger.commit("created", "organization-grants", id, object=made)
    return 201, {"id": f"ocg_{alphanumeric(16)}", "grant_id": grant_id, **grant}
