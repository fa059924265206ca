"""The Lambda authorizer, called with API Gateway's events."""

import json
import logging
import re
import time
from pathlib import Path
from typing import Any

import pytest
from aws_authorizer.authorizer import Authorizer, Unauthorized
from aws_authorizer.events import BadEvent, read_event
from aws_authorizer.settings import BadSetting, load_settings
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.recipes import Values, recipe_named
from tests.gateways.bad_tokens import BAD
from tests.gateways.issuer import CUSTOMER, SCOPE, STATUS_INDEX, USER, Issuer
from tests.real.waiting import eventually
from tests.tokens.test_wycheproof import SIGNATURE, cases
from tokens.kept import Unavailable
from tokens.sign import sign

EVENTS = {
    path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "aws_events").glob("*.json")
}
WANT_POLICY = [name for name in EVENTS if name != "http-api-2.0"]
SECRET = "a shared secret of forty characters long"
Answer = dict[str, Any]


@pytest.fixture(autouse=True)
def trust(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(issuer.ca_file))


@pytest.fixture
def authorizer(issuer: Issuer) -> Authorizer:
    return made(issuer)


def made(issuer: Issuer, **environ: str) -> Authorizer:
    given = {"ISSUER": issuer.url, "AUDIENCE": issuer.audience or "", "STATUS_LISTS": "off", **environ}
    return Authorizer(load_settings(given))


def event(kind: str, authorization: Any, **changed: Any) -> dict[str, Any]:
    """One of the samples with that header; None leaves it out."""
    made = json.loads(json.dumps(EVENTS[kind]))
    if kind == "rest-token":
        made["authorizationToken"] = authorization
    else:
        made.pop("identitySource", None)
        made.pop("authorizationToken", None)
        for headers, value in (("headers", authorization), ("multiValueHeaders", [authorization])):
            if headers in made:
                del made[headers]["Authorization"]
                if authorization is not None:
                    made[headers]["Authorization"] = value
    return made | changed


def permits(policy: Answer, arn: str) -> bool:
    """As IAM evaluates: a statement that denies wins, what none allows is denied."""
    effects = {
        statement["Effect"]
        for statement in policy["policyDocument"]["Statement"]
        for resource in statement["Resource"]
        if re.fullmatch(re.escape(resource).replace(r"\*", ".*").replace(r"\?", "."), arn, re.DOTALL)
    }
    return effects == {"Allow"}


def arn_of(kind: str) -> str:
    return str(EVENTS[kind].get("methodArn") or EVENTS[kind]["routeArn"])


@pytest.mark.parametrize("kind", WANT_POLICY)
def test_a_good_key_gets_a_policy_that_allows(authorizer: Authorizer, issuer: Issuer, kind: str) -> None:
    answer = authorizer.answer(event(kind, f"Bearer {issuer.token()}"))
    assert answer["principalId"] == USER
    assert permits(answer, arn_of(kind))
    assert answer["context"] == {
        "customer": CUSTOMER, "user": USER, "key_id": "key_8EgjqL7AiX0v8zk74oL4", "scopes": SCOPE,
    }  # fmt: skip


def test_payload_2_gets_a_simple_response(authorizer: Authorizer, issuer: Issuer) -> None:
    answer = authorizer.answer(event("http-api-2.0", f"Bearer {issuer.token()}"))
    assert answer["isAuthorized"] is True
    assert answer["context"]["customer"] == CUSTOMER
    assert authorizer.answer(event("http-api-2.0", "Bearer x.y.z")) == {"isAuthorized": False}
    assert authorizer.answer(event("http-api-2.0", None)) == {"isAuthorized": False}


def test_payload_2_gets_a_policy_where_that_is_configured(issuer: Issuer) -> None:
    authorizer = made(issuer, SIMPLE_RESPONSES="false")
    assert permits(authorizer.answer(event("http-api-2.0", issuer.token())), arn_of("http-api-2.0"))
    with pytest.raises(Unauthorized, match="^Unauthorized$"):
        authorizer.answer(event("http-api-2.0", "Bearer x.y.z"))


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER ", "bEaReR   ", "", "  Bearer "])
def test_bearer_is_read_in_any_case_or_none(
    authorizer: Authorizer, issuer: Issuer, kind: str, prefix: str
) -> None:
    assert allowed(authorizer, event(kind, prefix + issuer.token()))


@pytest.mark.parametrize("kind", ["rest-request", "http-api-1.0", "http-api-2.0"])
def test_the_header_is_found_in_any_case(authorizer: Authorizer, issuer: Issuer, kind: str) -> None:
    asked = event(kind, None)
    asked["headers"]["aUTHORIZATION"] = f"Bearer {issuer.token()}"
    assert allowed(authorizer, asked)


def test_two_headers_that_differ_are_none(authorizer: Authorizer, issuer: Issuer) -> None:
    asked = event("rest-request", f"Bearer {issuer.token()}")
    asked["multiValueHeaders"]["Authorization"].append(f"Bearer {issuer.token(org_id='other')}")
    assert not allowed(authorizer, asked)


def allowed(authorizer: Authorizer, asked: Any) -> bool:
    """The verdict, whatever its form."""
    try:
        answer = authorizer.answer(asked)
    except Unauthorized:
        return False
    if "isAuthorized" in answer:
        return bool(answer["isAuthorized"])
    return permits(answer, asked.get("methodArn") or asked["routeArn"])


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_is_refused(
    authorizer: Authorizer, issuer: Issuer, kind: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = BAD[what](issuer)
    assert not allowed(authorizer, event(kind, f"Bearer {token}" if token else None))
    assert not token or not any(part in caplog.text for part in token.split(".") if part)
    assert "refused" in caplog.text


@pytest.mark.parametrize(
    "value",
    [
        5,
        True,
        [],
        {},
        ["Bearer x"],
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Bearer a b",
        "\x00",
        "Bearer \ud800.a.b",
        "x" * 100_000,
    ],
)
@pytest.mark.parametrize("kind", EVENTS)
def test_a_header_that_is_no_token_is_refused(authorizer: Authorizer, kind: str, value: Any) -> None:
    assert not allowed(authorizer, event(kind, value))


def test_wycheproofs_tokens_are_refused(issuer: Issuer) -> None:
    authorizer = made(issuer)
    sent = 0
    for _, test, _, _ in cases(SIGNATURE):
        assert not allowed(authorizer, event("rest-token", f"Bearer {test['jws']}"))
        sent += 1
    assert sent > 400


@given(
    asked=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "version", "headers", "methodArn", "routeArn", "authorizationToken", "authorization"]) | st.text(), inner),
        max_leaves=12,
    )
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_what_is_no_event_is_an_error_and_no_verdict(asked: Any) -> None:
    authorizer = Authorizer(load_settings({"ISSUER": "https://portal.example", "SHARED_SECRET": SECRET}))
    with pytest.raises((BadEvent, Unauthorized)):
        authorizer.answer(asked)


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


ROUTES = {
    "GET /orders": "", "POST /orders": "orders:write", "DELETE /orders/{id}": "orders:write orders:delete",
    "ANY /admin/{proxy+}": "admin", "GET /admin/motd": "",
}  # fmt: skip


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


def test_context_is_flat_text(authorizer: Authorizer, issuer: Issuer) -> None:
    for kind in EVENTS:
        context = authorizer.answer(event(kind, issuer.token(scope=None)))["context"]
        assert all(isinstance(value, str) for value in context.values())
        assert "claims" not in context  # API Gateway keeps that name for itself


def test_a_token_of_another_issuer_such_as_auth0_is_read(issuer: Issuer) -> None:
    authorizer = made(issuer, ISSUER=f"{issuer.url}/", JWKS_URI=f"{issuer.url}/.well-known/jwks.json")
    claims = {"iss": f"{issuer.url}/", "sub": "abc@clients", "org_id": "org_9", "azp": "abc", "gty": "client-credentials",
              "aud": issuer.audience, "iat": int(time.time()), "exp": int(time.time()) + 60}  # fmt: skip
    key = issuer.active
    token = sign(claims, key=key.private, kid=key.kid, algorithm=key.algorithm)
    context = authorizer.answer(event("rest-token", token))["context"]
    assert (context["customer"], context["user"], context["key_id"]) == ("org_9", "abc@clients", "")


def test_a_public_key_is_enough(issuer: Issuer) -> None:
    pem = (
        issuer.active.private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    for text in (pem, pem.replace("\n", "\\n")):
        authorizer = made(issuer, PUBLIC_KEY=text)
        assert allowed(authorizer, event("rest-token", issuer.token()))
        for what, forge in BAD.items():
            assert not allowed(authorizer, event("rest-token", forge(issuer))), what


def test_a_shared_secret_is_enough_and_takes_no_other_kind(issuer: Issuer) -> None:
    authorizer = made(issuer, SHARED_SECRET=SECRET)
    good = sign(issuer.claims(), key=SECRET.encode(), kid="any", algorithm="HS256", typ="at+jwt")
    assert allowed(authorizer, event("rest-token", good))
    assert not allowed(authorizer, event("rest-token", issuer.token()))
    other = sign(issuer.claims(), key=SECRET.encode() * 2, kid="any", algorithm="HS256", typ="at+jwt")
    assert not allowed(authorizer, event("rest-token", other))
    longer = sign(issuer.claims(), key=SECRET.encode() * 2, kid="any", algorithm="HS512", typ="at+jwt")
    assert not allowed(authorizer, event("rest-token", longer))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ISSUER": ""}, "ISSUER"),
        ({"JWKS_URI": "https://portal.example/jwks", "SHARED_SECRET": SECRET}, "JWKS_URI and SHARED_SECRET"),
        ({"PUBLIC_KEY": "x", "SHARED_SECRET": SECRET}, "PUBLIC_KEY and SHARED_SECRET"),
        ({"SHARED_SECRET": "short"}, "SHARED_SECRET"),
        ({"SHARED_SECRET": SECRET, "ALGORITHM": "RS256"}, "ALGORITHM"),
        ({"SHARED_SECRET": "-----BEGIN PUBLIC KEY----- and so on, for long enough"}, "SHARED_SECRET"),
        ({"PUBLIC_KEY": "-----BEGIN PUBLIC KEY-----"}, "PUBLIC_KEY"),
        ({"PUBLIC_KEY": "x", "ALGORITHM": "HS256"}, "ALGORITHM"),
        ({"LEEWAY_SECONDS": "-1"}, "LEEWAY_SECONDS"),
        ({"LEEWAY_SECONDS": "301"}, "LEEWAY_SECONDS"),
        ({"ROUTE_SCOPES": "x"}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"/orders": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"GET /orders?x": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"GET /orders": ["a"]}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"GTE /orders": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"* /orders": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"GET /orders/*": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"GET /orders/{id": "a"}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": '{"POST /orders": "a", "POST /orders": ""}'}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": "{}"}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": "[" * 100_000}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": json.dumps({f"GET /{n}": "" for n in range(101)})}, "ROUTE_SCOPES"),
        ({"ROUTE_SCOPES": json.dumps({f"GET /{'x' * 400}": ""})}, "ROUTE_SCOPES"),
        ({"AUDIENCE": ","}, "AUDIENCE"),
        ({"AUDIENCE": "a,,b"}, "AUDIENCE"),
        ({"ALGORITHM": "RS256"}, "ALGORITHM"),
        ({"ISSUER": "portal.example"}, "JWKS_URI"),
        ({"ISSUER": "urn:keys:acme"}, "JWKS_URI"),
        ({"JWKS_URI": "http://portal.example/jwks"}, "JWKS_URI"),
        ({"JWKS_URI": "ftp://portal.example/jwks"}, "JWKS_URI"),
        ({"STATUS_LISTS": "x/.well-known/status-lists"}, "STATUS_LISTS"),
        ({"SIMPLE_RESPONSES": "yes"}, "SIMPLE_RESPONSES"),
        ({"STATUS_LISTS": "https://portal.example/lists"}, "STATUS_LISTS"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_stops_the_start(environ: dict[str, str], named: str) -> None:
    with pytest.raises(BadSetting, match=f"^{named}: ") as refused:
        load_settings({"ISSUER": "https://portal.example", **environ})
    assert SECRET not in str(refused.value)
    assert "short" not in str(refused.value).removeprefix(named).replace("shorter", "")


def test_one_of_several_audiences_is_enough(issuer: Issuer) -> None:
    authorizer = made(issuer, AUDIENCE=f"https://other.example.net, {issuer.audience}")
    assert allowed(authorizer, event("rest-token", issuer.token()))
    assert not allowed(authorizer, event("rest-token", issuer.token(aud="https://third.example.net")))


def test_the_claims_are_those_that_are_configured(issuer: Issuer) -> None:
    authorizer = made(issuer, CUSTOMER_CLAIM="company", USER_CLAIM="uid")
    context = authorizer.answer(event("rest-token", issuer.token(company="c", uid="u")))["context"]
    assert (context["customer"], context["user"]) == ("c", "u")
    assert not allowed(authorizer, event("rest-token", issuer.token()))


@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "iat"])
def test_what_a_key_can_t_be_judged_without_is_required(issuer: Issuer, claim: str) -> None:
    token = issuer.token(aud=None, client_id=None, **{claim: None})
    assert not allowed(made(issuer, AUDIENCE=""), event("rest-token", token))
    assert allowed(made(issuer, AUDIENCE=""), event("rest-token", issuer.token(aud=None, client_id=None)))


def test_nothing_secret_is_shown(issuer: Issuer) -> None:
    settings = load_settings({"ISSUER": "https://portal.example", "SHARED_SECRET": SECRET})
    assert SECRET not in repr(settings)
    asked = read_event(event("rest-token", f"Bearer {issuer.token()}"))
    assert str(asked.token) not in repr(asked)


def test_a_path_with_anything_in_it_is_a_path(authorizer: Authorizer, issuer: Issuer) -> None:
    stage = EVENTS["rest-token"]["methodArn"].rsplit("/", 2)[0]
    for path in ("a b", "a\nb", "ä", "a%20b", ""):
        assert allowed(authorizer, event("rest-token", issuer.token(), methodArn=f"{stage}/GET/{path}"))


@pytest.mark.parametrize(
    "arn",
    ["arn:aws-cn:execute-api:cn-north-1:1:a/prod/GET/x", "arn:aws-us-gov:execute-api:us-gov-west-1:1:a/$default/GET/x",
     "arn:aws:execute-api:eu-central-1:1:a/test-invoke-stage/GET/"],
)  # fmt: skip
def test_other_partitions_and_stages(authorizer: Authorizer, issuer: Issuer, arn: str) -> None:
    assert allowed(authorizer, event("rest-token", issuer.token(), methodArn=arn))


@pytest.mark.parametrize("name", ["template.yaml", "main.tf"])
def test_the_filled_template_lets_this_portals_keys_in(issuer: Issuer, name: str) -> None:
    """Also where issuer and claim are not the usual ones."""
    values = Values(issuer.url, "urn:keys:acme", issuer.audience, company_claim="company")
    text = recipe_named("aws").filled(values)[name]
    environ = dict(re.findall(r'^ +([A-Z_]+)(?:: | += )"?([^"\n]+)"?$', text, re.MULTILINE))
    assert environ.keys() == {"ISSUER", "AUDIENCE", "JWKS_URI", "CUSTOMER_CLAIM"}
    authorizer = Authorizer(load_settings(environ))
    key = issuer.token(iss="urn:keys:acme", company="acme")
    assert authorizer.answer(event("rest-token", key))["context"]["customer"] == "acme"
    assert not allowed(authorizer, event("rest-token", issuer.token()))


def test_leeway_is_given_and_no_more(issuer: Issuer) -> None:
    late = issuer.token(iat=int(time.time()) - 7200, exp=int(time.time()) - 10)
    assert not allowed(made(issuer), event("rest-token", late))
    assert allowed(made(issuer, LEEWAY_SECONDS="120"), event("rest-token", late))
    later = issuer.token(iat=int(time.time()) - 7200, exp=int(time.time()) - 121)
    assert not allowed(made(issuer, LEEWAY_SECONDS="120"), event("rest-token", later))


def test_without_the_portal_a_cold_function_gives_no_verdict(issuer: Issuer) -> None:
    issuer.away = True
    try:
        with pytest.raises(Unavailable):  # 500: neither in nor out
            made(issuer).answer(event("rest-token", issuer.token()))
    finally:
        issuer.away = False


def test_a_warm_function_outlives_the_portal_and_a_rotation(authorizer: Authorizer, issuer: Issuer) -> None:
    before = issuer.token()
    assert allowed(authorizer, event("rest-token", before))
    issuer.rotate()
    issuer.away = True
    try:
        assert allowed(authorizer, event("rest-token", before))
        assert allowed(authorizer, event("rest-token", issuer.token()))  # staged before, known already
    finally:
        issuer.away = False


def test_a_revoked_key_is_refused_by_a_warm_function(issuer: Issuer) -> None:
    lists = f"{issuer.url}/.well-known/status-lists"
    issuer.status_ttl = 2
    try:
        authorizer, key = made(issuer, STATUS_LISTS=lists), issuer.token()
        assert allowed(authorizer, event("rest-token", key))
        issuer.revoked.add(STATUS_INDEX)
        eventually(lambda: not allowed(authorizer, event("rest-token", key)), "it is refused", seconds=30)
    finally:
        issuer.revoked.clear()
        issuer.status_ttl = 60


def test_status_lists_are_read_unless_they_are_turned_off(issuer: Issuer) -> None:
    issuer.revoked.add(STATUS_INDEX)
    try:
        with_lists = Authorizer(load_settings({"ISSUER": issuer.url, "AUDIENCE": str(issuer.audience)}))
        assert not allowed(with_lists, event("rest-token", issuer.token()))
        assert allowed(made(issuer), event("rest-token", issuer.token()))
    finally:
        issuer.revoked.clear()


def test_lists_are_verified_by_published_keys_whatever_verifies_the_keys(issuer: Issuer) -> None:
    lists = f"{issuer.url}/.well-known/status-lists"
    authorizer = made(issuer, SHARED_SECRET=SECRET, STATUS_LISTS=lists)
    key = sign(issuer.claims(), key=SECRET.encode(), kid="any", algorithm="HS256", typ="at+jwt")
    assert allowed(authorizer, event("rest-token", key))
    issuer.revoked.add(STATUS_INDEX)
    try:
        again = made(issuer, SHARED_SECRET=SECRET, STATUS_LISTS=lists)
        assert not allowed(again, event("rest-token", key))
    finally:
        issuer.revoked.clear()
