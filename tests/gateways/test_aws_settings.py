"""The environment of the Lambda authorizer: what each variable does, and which values stop the start."""

import json
import re
import time

import pytest
from aws_authorizer.authorizer import Authorizer
from aws_authorizer.events import read_event
from aws_authorizer.settings import BadSetting, load_settings
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.recipes import Values, recipe_named
from tests.gateways.aws import SECRET, allowed, event, made
from tests.gateways.bad_tokens import BAD
from tests.gateways.issuer import STATUS_INDEX, Issuer
from tokens.sign import sign

pytestmark = pytest.mark.usefixtures("trusted")


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


def test_nothing_secret_is_shown(issuer: Issuer) -> None:
    settings = load_settings({"ISSUER": "https://portal.example", "SHARED_SECRET": SECRET})
    assert SECRET not in repr(settings)
    asked = read_event(event("rest-token", f"Bearer {issuer.token()}"))
    assert str(asked.token) not in repr(asked)


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
