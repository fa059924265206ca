"""What an answer allows, also when API Gateway uses it for the caller's next route."""

import json

import pytest
from aws_authorizer.authorizer import Authorizer

from tests.gateways.aws import EVENTS, WANT_POLICY, allowed, arn_of, event, made, permits
from tests.gateways.issuer import Issuer

pytestmark = pytest.mark.usefixtures("trusted")


ROUTES = {
    "GET /orders": "", "POST /orders": "orders:write", "DELETE /orders/{id}": "orders:write orders:delete",
    "ANY /admin/{proxy+}": "admin", "GET /admin/motd": "",
}  # fmt: skip


def test_a_key_without_the_required_scopes_is_forbidden(issuer: Issuer) -> None:
    authorizer = made(issuer, REQUIRED_SCOPES="orders:read orders:write")
    for kind in WANT_POLICY:
        answer = authorizer.answer(event(kind, issuer.token()))  # 403, not 401
        assert not permits(answer, arn_of(kind))
    assert authorizer.answer(event("http-api-2.0", issuer.token()))["isAuthorized"] is False
    both = issuer.token(scope="orders:write orders:read other")
    assert all(allowed(authorizer, event(kind, both)) for kind in EVENTS)


def test_a_cached_policy_lets_the_second_route_in(authorizer: Authorizer, issuer: Issuer) -> None:
    policy = authorizer.answer(event("rest-token", issuer.token()))
    stage = "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev"
    for route in ("POST/orders", "GET/", "DELETE/orders/1/lines/2"):
        assert permits(policy, f"{stage}/{route}")
    for elsewhere in ("arn:aws:execute-api:us-east-1:random-account-id:random-api-id/prod/GET/req",
                      "arn:aws:execute-api:us-east-1:random-account-id:other-api/dev/GET/req",
                      "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev2/GET/req"):  # fmt: skip
        assert not permits(policy, elsewhere)


@pytest.mark.parametrize(
    ("scopes", "route", "is_allowed"),
    [
        ("", "GET/orders", True), ("", "POST/orders", False), ("orders:write", "POST/orders", True),
        ("orders:write", "DELETE/orders/7", False), ("orders:write orders:delete", "DELETE/orders/7", True),
        ("orders:write orders:delete", "GET/admin/users", False), ("admin", "GET/admin/users/1", True),
        ("admin", "PATCH/admin/users", True), ("admin", "POST/orders", False), ("", "GET/admin/motd", False),
        # Routes that nobody named, and names spelled in another way.
        ("admin orders:write", "GET/reports", False), ("", "POST/orders/", False), ("", "POST//orders", False),
        ("", "POST/%6Frders", False), ("", "GET/admin", False), ("", "GET//admin/x", False), ("", "GET/x/orders", False),
        ("admin", "GET/public/admin/x", False),
    ],
)  # fmt: skip
def test_a_cached_policy_grants_no_route_whose_scopes_are_missing(
    issuer: Issuer, scopes: str, route: str, is_allowed: bool
) -> None:
    authorizer = made(issuer, ROUTE_SCOPES=json.dumps(ROUTES))
    # Asked for one route, used for another: that is what caching does.
    policy = authorizer.answer(event("rest-token", issuer.token(scope=scopes or None)))
    stage = EVENTS["rest-token"]["methodArn"].rsplit("/", 2)[0]
    assert permits(policy, f"{stage}/{route}") == is_allowed


@pytest.mark.parametrize(
    ("scopes", "route_key", "is_allowed"),
    [
        ("", "GET /orders", True), ("", "POST /orders", False), ("orders:write", "POST /orders", True),
        ("orders:write", "DELETE /orders/{id}", False), ("admin", "ANY /admin/{proxy+}", True),
        ("", "ANY /admin/{proxy+}", False), ("admin", "$default", False), ("admin", "ANY /orders", False),
    ],
)  # fmt: skip
def test_a_simple_response_is_about_the_route_that_it_is_cached_by(
    issuer: Issuer, scopes: str, route_key: str, is_allowed: bool
) -> None:
    authorizer, token = made(issuer, ROUTE_SCOPES=json.dumps(ROUTES)), issuer.token(scope=scopes or None)
    stage = EVENTS["http-api-2.0"]["routeArn"].rsplit("/", 2)[0]
    for path in ("GET/orders", "POST/orders", "GET/admin/x"):  # whatever came first is what the cache holds
        asked = event("http-api-2.0", token, routeArn=f"{stage}/{path}", routeKey=route_key)
        assert authorizer.answer(asked)["isAuthorized"] == is_allowed


def test_an_allowed_policy_is_small_enough_for_a_hundred_routes(issuer: Issuer) -> None:
    routes = {f"GET /resource-{number}/{{id}}": "" for number in range(100)}
    policy = made(issuer, ROUTE_SCOPES=json.dumps(routes)).answer(event("rest-token", issuer.token()))
    resources = policy["policyDocument"]["Statement"][0]["Resource"]
    assert len(resources) == 100
    assert max(map(len, resources)) <= 512
