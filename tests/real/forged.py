"""Tokens that nobody may accept, made from one that everybody does."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def tampered(token: str) -> str:
    """Another customer's id under the same signature."""
    header, payload, signature = token.split(".")
    return f"{header}.{_encoded({**_decoded(payload), 'org_id': 'somebody-else'})}.{signature}"


def unsigned(token: str) -> str:
    """``alg: none`` (RFC 7515 appendix A.5)."""
    header, payload, _ = token.split(".")
    return f"{_encoded({**_decoded(header), 'alg': 'none'})}.{payload}."


def signed_with_the_public_key(token: str, jwk: dict[str, Any]) -> str:
    """HS256 with the published key's PEM as secret (RFC 8725 section 2.1)."""
    header, payload, _ = token.split(".")
    public = jwt.PyJWK(jwk).key
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_encoded({**_decoded(header), 'alg': 'HS256'})}.{payload}"
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(digest)}"


def signed_by_a_stranger(token: str, *, kid: str | None = None) -> str:
    """The same header and claims, ``kid`` included unless another is given, under a key that nobody published."""
    header, payload, _ = token.split(".")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(_decoded(payload), stranger, "RS256", headers={"kid": kid or _decoded(header)["kid"]})


def _decoded(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def _encoded(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
