"""No hostile token makes introspection or /verify say anything but no."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.clock import now
from portal.core.fingerprints import fingerprint
from portal.models import IssuedKey, Membership, SigningKey
from portal.services.signing_keys.lookup import active_key
from provisioning.secret import Secret
from tests.conftest import Api
from tests.tokens.test_wycheproof import SIGNATURE, cases

pytestmark = pytest.mark.django_db
many = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def token(issue: Callable[..., dict[str, Any]]) -> str:
    return str(issue()["secret"])


def refuses(api: Api, token: str) -> None:
    sent = quote(token.encode("utf-8", "surrogatepass"), safe="")
    answer = api.raw("POST", "/introspect", f"token={sent}".encode(), "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()) == (200, {"active": False}) or (
        400 <= answer.status_code < 500
    ), answer.content
    if token.isprintable() and token.isascii():
        assert api.get("/verify", authorization=f"Bearer {token}").status_code == 401


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@many
@given(text=st.text(st.characters(codec=None), max_size=200))
def test_any_text(api: Api, text: str) -> None:
    refuses(api, text)


@many
@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "b64"]), st.text() | st.none() | st.integers()),
       payload=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) |
                            st.dictionaries(st.sampled_from(["exp", "iss", "sub", "aud", "jti"]), inner), max_leaves=8),
       signature=st.binary(max_size=300))  # fmt: skip
def test_any_three_segments(api: Api, header: dict[str, Any], payload: Any, signature: bytes) -> None:
    refuses(
        api, ".".join([b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()), b64(signature)])
    )


@many
@given(data=st.data())
def test_any_change_of_a_good_token(api: Api, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.sampled_from("aZ09-_.=+/ \x00é")) + token[place + 1 :]
    if changed != token:
        refuses(api, changed)


@pytest.mark.parametrize("name", [SIGNATURE, "json_web_key_test.json", "json_web_crypto_test.json"])
def test_project_wycheproofs_tokens(api: Api, token: str, name: str) -> None:
    """Valid ones too: they are good under keys of their own, which are none of ours."""
    vectors = [test["jws"] for _, test, _, _ in cases(name)]
    assert len(vectors) > 25
    for vector in vectors:
        refuses(api, vector if isinstance(vector, str) else json.dumps(vector))


CLAIMS = [
    {"exp": "9999999999"}, {"exp": True}, {"exp": 1e30}, {"exp": None}, {"iss": "http://127.0.0.1:8000/"},
    {"iss": ["http://127.0.0.1:8000"]}, {"aud": "somebody"}, {"nbf": True}, {"iat": "1"}, {"jti": "other"},
    {"sub": 5}, {"org_id": "another"}, {},
]  # fmt: skip


@pytest.mark.parametrize("change", CLAIMS, ids=str)
def test_what_our_own_key_signed_but_we_never_issued(api: Api, token: str, change: dict[str, Any]) -> None:
    """Even a stolen signing key makes no key that introspection knows."""
    refuses(api, signed_by_us({**claims_of(token), **change, "forged": 1}))


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def signed_by_us(claims: dict[str, Any], **header: Any) -> str:
    signing = active_key(SigningKey.Source.MANAGED)
    return jwt.api_jws.PyJWS().encode(
        json.dumps(claims).encode(), signing.key, signing.algorithm,
        headers={"kid": signing.kid, "typ": "JWT", **header},
    )  # fmt: skip


def planted(owner: Membership, secret: str) -> None:
    """A row says that we issued it: then the verifier alone stands between."""
    IssuedKey.objects.create(
        customer=owner.customer, user=owner.user, name="planted", plugin="jwt", status="active",
        activated_at=now(), fingerprint=fingerprint(Secret(secret)),
        signing_key=SigningKey.objects.get(source="managed", state="active"),
    )  # fmt: skip


@pytest.mark.parametrize("name", [SIGNATURE, "json_web_key_test.json", "json_web_crypto_test.json"])
def test_a_planted_vector_meets_the_verifier(api: Api, owner: Membership, name: str) -> None:
    for vector in {test["jws"] for _, test, _, _ in cases(name) if isinstance(test["jws"], str)}:
        planted(owner, vector)
        refuses(api, vector)


UNFIT = [
    {"exp": "9999999999"}, {"exp": True}, {"exp": 1e30}, {"exp": None}, {"exp": 1}, {"exp": -1}, {"nbf": 9e9},
    {"nbf": True}, {"iat": "1"}, {"iat": 9e9}, {"iss": None}, {"iss": ["http://127.0.0.1:8000"]}, {"aud": 5},
    {"aud": [1]}, {"aud": []}, {"aud": {}}, {"sub": 5}, {"jti": []}, {"scope": ["a"]}, {"client_id": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", UNFIT, ids=str)
def test_a_planted_key_with_unfit_claims(
    api: Api, token: str, owner: Membership, change: dict[str, Any]
) -> None:
    forged = signed_by_us({**claims_of(token), **change})
    planted(owner, forged)
    refuses(api, forged)


HEADERS = [
    {"typ": "statuslist+jwt"}, {"typ": "dpop+jwt"}, {"typ": None}, {"kid": "another"}, {"kid": None}, {"kid": 5},
    {"kid": "../../etc/passwd"}, {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"alg": "none"},
]  # fmt: skip


@pytest.mark.parametrize("change", HEADERS, ids=str)
def test_a_planted_key_with_an_unfit_header(
    api: Api, token: str, owner: Membership, change: dict[str, Any]
) -> None:
    """The header is changed and signed anew: the signature is good."""
    signing = active_key(SigningKey.Source.MANAGED)
    assert not isinstance(signing.key, bytes)
    fit = {"alg": signing.algorithm, "kid": signing.kid, "typ": "JWT"}
    signed = f"{b64(json.dumps({**fit, **change}).encode())}.{token.split('.')[1]}"
    algorithm = jwt.get_algorithm_by_name(signing.algorithm)
    forged = f"{signed}.{b64(algorithm.sign(signed.encode(), signing.key))}"
    planted(owner, forged)
    refuses(api, forged)


def test_a_planted_key_that_is_fit_is_active(api: Api, token: str, owner: Membership) -> None:
    """So the ones above were refused for what was changed in them."""
    fit = signed_by_us({**claims_of(token), "forged": 1})
    planted(owner, fit)
    assert api.form("/introspect", token=fit).json()["active"] is True
    assert api.get("/verify", authorization=f"Bearer {fit}").status_code == 204


def test_the_public_key_as_an_hmac_secret(api: Api, token: str, owner: Membership) -> None:
    signing = active_key(SigningKey.Source.MANAGED)
    assert not isinstance(signing.key, bytes)
    pem = signing.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = b64(json.dumps({"alg": "HS256", "kid": signing.kid, "typ": "JWT"}).encode())
    body = token.split(".")[1]
    signature = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{body}.{b64(signature)}"
    refuses(api, forged)
    planted(owner, forged)
    refuses(api, forged)


def test_the_good_token_itself_is_active(api: Api, token: str) -> None:
    assert api.form("/introspect", token=token).json()["active"] is True
    assert api.get("/verify", authorization=f"Bearer {token}").status_code == 204
