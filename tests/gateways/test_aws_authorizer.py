"""The Lambda authorizer, called with API Gateway's events."""

import logging
import time
from typing import Any

import pytest
from aws_authorizer.authorizer import Authorizer, Unauthorized
from aws_authorizer.events import BadEvent
from aws_authorizer.settings import load_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateways.aws import EVENTS, SECRET, WANT_POLICY, allowed, arn_of, event, made, permits
from tests.gateways.bad_tokens import BAD
from tests.gateways.issuer import CUSTOMER, SCOPE, STATUS_INDEX, USER, Issuer
from tests.real.waiting import eventually
from tests.tokens.test_wycheproof import SIGNATURE, cases
from tokens.kept import Unavailable
from tokens.sign import sign

pytestmark = pytest.mark.usefixtures("trusted")


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


@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "iat"])
def test_what_a_key_can_t_be_judged_without_is_required(issuer: Issuer, claim: str) -> None:
    token = issuer.token(aud=None, client_id=None, **{claim: None})
    assert not allowed(made(issuer, AUDIENCE=""), event("rest-token", token))
    assert allowed(made(issuer, AUDIENCE=""), event("rest-token", issuer.token(aud=None, client_id=None)))


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
