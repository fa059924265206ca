"""No hostile token makes introspection or /verify say anything but no."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import SigningKey
from portal.services.signing_keys.lookup import active_key
from tests.conftest import Api

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


CLAIMS = [
    {"exp": "9999999999"}, {"exp": True}, {"exp": 1e30}, {"exp": None}, {"iss": "http://127.0.0.1:8000/"},
    {"iss": ["http://127.0.0.1:8000"]}, {"aud": "somebody"}, {"nbf": True}, {"iat": "1"}, {"jti": "other"},
    {"sub": 5}, {"org_id": "another"}, {},
]  # fmt: skip


@pytest.mark.parametrize("change", CLAIMS, ids=str)
def test_what_our_own_key_signed_but_we_never_issued(api: Api, token: str, change: dict[str, Any]) -> None:
    """Even a stolen signing key makes no key that introspection knows."""
    claims = jwt.decode(token, options={"verify_signature": False})
    signing = active_key(SigningKey.Source.MANAGED)
    forged = jwt.api_jws.PyJWS().encode(
        json.dumps({**claims, **change, "forged": 1}).encode(), signing.key, signing.algorithm,
        headers={"kid": signing.kid, "typ": "JWT"},
    )  # fmt: skip
    refuses(api, forged)


def test_the_public_key_as_an_hmac_secret(api: Api, token: str) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    signing = active_key(SigningKey.Source.MANAGED)
    assert not isinstance(signing.key, bytes)
    pem = signing.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    import hashlib
    import hmac

    head = b64(json.dumps({"alg": "HS256", "kid": signing.kid, "typ": "JWT"}).encode())
    body = token.split(".")[1]
    signature = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    refuses(api, f"{head}.{body}.{b64(signature)}")


def test_the_good_token_itself_is_active(api: Api, token: str) -> None:
    assert api.form("/introspect", token=token).json()["active"] is True
    assert api.get("/verify", authorization=f"Bearer {token}").status_code == 204
