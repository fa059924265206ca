"""The whole OpenAPI document, tried by schemathesis: staff-wide and bound to one customer.

The document is served with the seeded objects' ids as the values of its parameters, so that
every operation also reaches a success; negative cases leave them, as they please.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.core.actor import SYSTEM
from portal.jobs.run import run_inline
from portal.models import IssuedKey, ManagementToken, Operation
from portal.services.keys.request import request_key
from tests.conftest import token_for
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PlanFactory,
    SubscriptionFactory,
    UserFactory,
)

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "40"))
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, negative_data_rejection,
]  # fmt: skip
_inner = get_wsgi_application()
_served = b""
seen: Counter[tuple[str, str, int]] = Counter()

# Fixed ids, so that the document can be written before the database is seeded.
IDS = {
    noun: f"{noun}_{letter * 20}"
    for noun, letter in {"cus": "C", "usr": "U", "sub": "S", "key": "K", "op": "P", "tok": "T"}.items()
}
ABSENT = {noun: f"{noun}_{'0' * 20}" for noun in IDS}
OWNER, DEVELOPER = "owner@acme.example", "developer@acme.example"


def _document() -> dict[str, Any]:
    """The real document, with values that exist."""
    answer = Client(headers={"host": "127.0.0.1:8000"}).get("/api/v1/schema?format=json")
    document: dict[str, Any] = json.loads(answer.content)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["schema"] = {"enum": _values(path, parameter["name"])}
    schemas = document["components"]["schemas"]
    schemas["KeyInRequest"]["properties"]["customer"] = {"enum": [IDS["cus"], "acme"]}
    schemas["KeyInRequest"]["properties"]["user"] = {"enum": [OWNER, DEVELOPER]}
    schemas["KeyInRequest"]["properties"]["scopes"] = {"type": "array", "items": {"enum": ["read", "write"]}}
    schemas["KeyInRequest"]["properties"]["plugin"] = {"enum": ["jwt"]}
    schemas["ProvisionInRequest"]["properties"]["user"] = {"enum": [OWNER]}
    schemas["ProvisionInRequest"]["properties"]["plugin"] = {"enum": ["jwt"]}
    schemas["TokenInRequest"]["properties"]["customer"] = {"enum": [IDS["cus"]]}
    for name in ("SubscriptionInRequest", "PatchedSubscriptionChangeRequest"):
        schemas[name]["properties"]["plan"] = {"enum": ["default", "pro"]}
    return document


def _values(path: str, name: str) -> list[str]:
    noun = path.removeprefix("/api/v1/").split("/")[0]
    if noun == "plans":
        return ["pro", "absent"]
    prefixes = {
        "customers": "cus",
        "subscriptions": "sub",
        "keys": "key",
        "operations": "op",
        "access-tokens": "tok",
    }
    prefix = "usr" if name == "user" else prefixes[noun]
    return [IDS[prefix], IDS[prefix], ABSENT[prefix]]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    global _served
    if environ["PATH_INFO"] == "/seeded.json":
        _served = _served or json.dumps(_document()).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [_served]
    environ.update(REMOTE_ADDR="127.0.0.1", HTTP_HOST="127.0.0.1:8000")
    return _inner(environ, start_response)


@pytest.fixture(params=["staff-wide", "customer-bound"])
def credentials(request: pytest.FixtureRequest, db: None) -> Iterator[tuple[str, str]]:
    """Seeds one object of each kind; returns the kind of caller and its token."""
    customer = CustomerFactory(public_id=IDS["cus"], external_id="acme")
    owner = UserFactory(email=OWNER)
    MembershipFactory(customer=customer, user=owner, role="owner")
    developer = UserFactory(email=DEVELOPER, public_id=IDS["usr"])
    MembershipFactory(customer=customer, user=developer, role="developer")
    plan = PlanFactory(slug="pro", scopes=["read", "write"])
    SubscriptionFactory(customer=customer, plan=plan, public_id=IDS["sub"])
    staff = UserFactory(is_staff=True, is_superuser=True)
    token = token_for(staff) if request.param == "staff-wide" else token_for(owner, customer=customer)
    operation = request_key(SYSTEM, customer.pk, user=owner, name="seeded")
    run_inline(operation)
    caller = ManagementToken.objects.get()
    IssuedKey.objects.update(public_id=IDS["key"], created_by=f"token {caller.public_id}")
    spare = token_for(owner, customer=customer)
    ManagementToken.objects.exclude(pk=caller.pk).update(public_id=IDS["tok"])
    assert spare
    waiting = Operation.objects.create(
        kind="provision", plugin="jwt", customer=customer, public_id=IDS["op"], user=owner
    )
    assert waiting.attempts == 0
    # As Django's own test client does: requests must not close the test's connection.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield request.param, token
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


schema = schemathesis.openapi.from_wsgi("/seeded.json", application)


@pytest.mark.django_db
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation(case: schemathesis.Case, credentials: tuple[str, str]) -> None:
    caller, token = credentials
    response = case.call(headers={"Authorization": f"Bearer {token}"})
    if case.method.lower() == case.operation.method.lower():  # not a try of another method
        seen[(f"{case.method} {case.operation.path}", caller, response.status_code)] += 1
    case.validate_response(response, checks=CHECKS)


STAFF_ONLY = {
    "POST /api/v1/plans", "PATCH /api/v1/plans/{slug}", "POST /api/v1/customers", "DELETE /api/v1/customers/{id}",
    "POST /api/v1/customers/{id}/subscriptions", "PATCH /api/v1/subscriptions/{id}",
    "POST /api/v1/operations/{id}/retry", "POST /api/v1/operations/{id}/cancel",
    "GET /api/v1/phone-tokens",
}  # fmt: skip
NEEDS_A_KEY = {"GET /api/v1/verify"}


def test_every_operation_reached_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    if not seen:
        pytest.skip("runs after test_every_operation")
    operations = {operation for operation, _, _ in seen}
    for caller in ("staff-wide", "customer-bound"):
        good = {operation for operation, by, status in seen if by == caller and 200 <= status < 300}
        missing = operations - good - NEEDS_A_KEY - (STAFF_ONLY if caller == "customer-bound" else set())
        assert not missing, f"{caller}: {sorted(missing)}"
    with capsys.disabled():
        print(f"\nschemathesis: {sum(seen.values())} cases over {len(operations)} operations")
