"""Wrong input is a 4xx with a stable code and a sentence, and nothing is stored."""

import re
from typing import Any

import pytest
from django.urls import get_resolver

from portal.models import AuditEvent, Customer, IssuedKey, Membership, Plan
from tests.conftest import Api, token_for
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def assert_problem(answer: Any, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == status
    assert re.fullmatch(r"[a-z][a-z0-9_]*", body["code"])
    if code is not None:
        assert body["code"] == code


MALFORMED = [
    b"{", b"nul", b"\xff\xfe", b'{"name": NaN}', b'{"name": 1e999}', b'{"name": "a", "name": "b"}',
    b'{"name": "\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000, b'{"name": ' + b"9" * 5000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_json(api: Api, data: bytes) -> None:
    assert_problem(api.raw("POST", "/customers", data, "application/json"), 400, "malformed")


@pytest.mark.parametrize("body", [[], "x", 1, None, True, [{}]])
def test_bodies_that_are_no_objects(api: Api, body: Any) -> None:
    import json

    answer = api.raw("POST", "/customers", json.dumps(body).encode(), "application/json")
    assert_problem(answer, 400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": 1}, {"name": None}, {"name": ["a"]}, {"name": "x" * 201}, {"name": "a\x00b"},
        {"name": "a", "unknown": 1}, {"name": "a", "status": "nope"}, {"name": "a", "email": "nope"},
        {"name": "a", "email": 1}, {"name": "a", "external_id": ""}, {"name": "a", "external_id": "a b"},
        {"name": "a", "external_id": "é"}, {"name": "a", "external_id": "x" * 256},
        {"name": "a", "external_id": "cus_somebodyelses1234567"}, {"name": "a", "external_id": "a\n"},
        {"name": "a", "external_id": 5}, {"name": "a", "created_at": "2020-01-01"}, {"name": "a", "id": "cus_1"},
    ],
)  # fmt: skip
def test_unacceptable_customers(api: Api, body: dict[str, Any]) -> None:
    before = AuditEvent.objects.count()
    answer = api.post("/customers", body)
    assert_problem(answer, 422, "invalid")
    assert answer.json()["errors"]
    assert Customer.objects.count() == 0
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 101}, {"name": None}, {"user": "nobody@example.com"}, {"user": "x"},
        {"user": None}, {"plugin": "nope"}, {"plugin": ""}, {"expires_in": "0"}, {"expires_in": 0},
        {"expires_in": -1}, {"expires_in": "soon"}, {"expires_in": True}, {"expires_in": 1.5},
        {"expires_in": "11y"}, {"expires_in": 10**30}, {"scopes": "read"}, {"scopes": [1]},
        {"scopes": ["not-on-the-plan"]}, {"scopes": ["a"] * 101}, {"secret": "x"},
    ],
)  # fmt: skip
def test_unacceptable_keys(api: Api, owner: Membership, change: dict[str, Any]) -> None:
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x", **change}
    assert_problem(api.post("/keys", body), 422, "invalid")
    assert IssuedKey.objects.count() == 0


def test_an_unknown_customer_is_not_found(api: Api, owner: Membership) -> None:
    assert_problem(
        api.post("/keys", {"customer": "nobody", "user": owner.user.email, "name": "x"}), 404, "not_found"
    )


@pytest.mark.parametrize("slug", ["", "Big", "a b", "-a", "a/b", "x" * 65, 5, None])
def test_unacceptable_plan_slugs(api: Api, slug: Any) -> None:
    assert_problem(api.post("/plans", {"slug": slug, "name": "x"}), 422)
    assert Plan.objects.count() == 1


@pytest.mark.parametrize("members", [{"max_keys": -1}, {"max_keys": "5"}, {"max_keys": True}, {"max_lifetime": "x"},
                                     {"scopes": ["a b"]}, {"scopes": ['"']}, {"requires_subscription": "yes"},
                                     {"plugins": "jwt"}])  # fmt: skip
def test_unacceptable_plans(api: Api, members: dict[str, Any]) -> None:
    assert_problem(api.post("/plans", {"slug": "p", "name": "x", **members}), 422, "invalid")


def test_a_plan_gives_back_what_it_got(api: Api) -> None:
    body = {
        "slug": "pro", "name": "Pro", "max_keys": 3, "max_lifetime": "24h", "scopes": ["a", "b"],
        "requires_subscription": True, "plugins": ["jwt"],
        "description": "For production.", "listed": False,
    }  # fmt: skip
    assert api.post("/plans", body).json() == body
    assert api.get("/plans/pro").json() == body
    assert api("PATCH", "/plans/pro", {"max_lifetime": 3600}).json()["max_lifetime"] == 3600
    assert api("PATCH", "/plans/pro", {"max_lifetime": None}).json()["max_lifetime"] is None
    assert_problem(api.post("/plans", body), 409, "plan_exists")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""]
)
def test_unknown_content_types(api: Api, content_type: str) -> None:
    assert_problem(
        api.raw("POST", "/customers", b'{"name":"x"}', content_type), 415, "unsupported_media_type"
    )


def test_a_form_where_json_is_due_and_the_other_way_round(api: Api) -> None:
    assert_problem(api.form("/customers", name="x"), 415)
    assert_problem(api.post("/introspect", {"token": "x"}), 415)


def test_an_oversized_body(api: Api) -> None:
    assert_problem(api.raw("POST", "/customers", b"x" * 1_048_577, "application/json"), 413, "too_large")


def test_an_oversized_head(api: Api) -> None:
    assert_problem(api.get("/customers", x_big="x" * 40_000), 431, "head_too_large")


def test_unknown_paths_and_methods(api: Api) -> None:
    assert_problem(api.get("/nothing"), 404, "not_found")
    assert_problem(api.get("/keys/"), 404, "not_found")
    answer = api("DELETE", "/customers")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert api("OPTIONS", "/customers").status_code == 204


@pytest.mark.parametrize(
    "path", ["/customers/x", "/keys/x", "/operations/x", "/plans/x", "/keys/%00", "/keys/..%2fx"]
)
def test_unknown_ids(api: Api, path: str) -> None:
    assert_problem(api.get(path), 404, "not_found")


@pytest.mark.parametrize(
    "query", ["status=nope", "nope=1", "customer=%00", "customer=a%20b", "plugin=", "user=é"]
)
def test_unacceptable_filters(api: Api, query: str) -> None:
    assert_problem(api.get(f"/keys?{query}"), 422, "invalid")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "Bearer lk_" + "0" * 36,
                                    "Bearer \x01", "Bearer " + "é" * 10])  # fmt: skip
def test_bad_credentials(header: str, db: None) -> None:
    answer = Api(None).get("/customers", authorization=header)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_credentials(db: None) -> None:
    answer = Api(None).get("/customers")
    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_missing_scope_is_named(owner: Membership) -> None:
    api = Api(token_for(owner.user, "keys:read", owner.customer))
    answer = api.post("/keys", {})
    assert_problem(answer, 403, "insufficient_scope")
    assert "keys:write" in answer.json()["detail"]
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_every_path_asks_who_is_calling(db: None) -> None:
    """A path that is added without authentication is noticed here."""
    open_paths = {"verify", "schema", "docs"}
    api_urls = next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/v1/")
    checked = 0
    for pattern in api_urls.url_patterns:
        route = str(pattern.pattern)
        if not route or route in open_paths:
            continue
        path = "/" + re.sub(r"<slug:\w+>", "x", route)
        for method in ("GET", "POST", "PATCH", "DELETE"):
            assert Api(None)(method, path).status_code in (401, 405), (method, path)
            checked += 1
    assert checked > 80


def test_a_token_of_a_demoted_owner_is_worth_nothing(db: None) -> None:
    staff = UserFactory(is_staff=True, is_superuser=True)
    api = Api(token_for(staff))
    assert api.get("/customers").status_code == 200
    staff.is_staff = False
    staff.save()
    assert_problem(api.get("/customers"), 403, "insufficient_scope")
    staff.is_active = False
    staff.save()
    assert_problem(api.get("/customers"), 401, "invalid_token")


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
@pytest.mark.parametrize("data", [b"", b"token=", b"token=a&token=b", b"tokem=a", b"%", b"\xff=\xff"])
def test_forms_need_exactly_one_token(api: Api, path: str, data: bytes) -> None:
    assert_problem(api.raw("POST", path, data, "application/x-www-form-urlencoded"), 400, "invalid_request")


@pytest.mark.parametrize("token", ["x", "a.b.c", "\x00", "é", "\ud800", "x" * 60_000, "..", "lk_x"])
def test_hostile_tokens_are_inactive(api: Api, token: str) -> None:
    from urllib.parse import quote

    data = f"token={quote(token.encode('utf-8', 'surrogatepass'))}".encode()
    answer = api.raw("POST", "/introspect", data, "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()) == (200, {"active": False})
