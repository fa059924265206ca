"""Keys and tokens for the tests: each key is made once a run, RSA keys take a while."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import jwt

from tokens import base64url
from tokens.jwk import HMAC, PrivateKey, PublicKey, generate_private_key
from tokens.keyset import KeySet, VerificationKey
from tokens.sign import sign
from tokens.verify import Verifier

ISSUER = "https://portal.example"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())


@cache
def signing_key(algorithm: str, number: int = 0) -> PrivateKey | bytes:
    """A signing key of that algorithm; another ``number`` is another key."""
    if algorithm in HMAC:
        return bytes([number + 1]) * 64
    return generate_private_key(algorithm)


def verifying_half(key: PrivateKey | bytes) -> PublicKey | bytes:
    return key if isinstance(key, bytes) else key.public_key()


def key_set(*algorithms: str) -> KeySet:
    """A set with one key an algorithm, the algorithm's name as kid."""
    return KeySet(
        VerificationKey(algorithm, algorithm, verifying_half(signing_key(algorithm)))
        for algorithm in algorithms
    )


def verifier(*algorithms: str, **rules: object) -> Verifier:
    """A verifier for our issuer at ``NOW``; ES256 when no algorithm is named."""
    return Verifier(key_set(*algorithms or ("ES256",)), ISSUER, **{"now": NOW.timestamp} | rules)  # type: ignore[arg-type]


def claims(**changes: object) -> dict[str, object]:
    """Good claims at ``NOW``, with changes; None removes a claim."""
    good = {
        "iss": ISSUER,
        "sub": "usr_1",
        "jti": "jti-1",
        "iat": NOW_SECONDS,
        "exp": NOW_SECONDS + 600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(algorithm: str = "ES256", typ: str = "JWT", **changes: object) -> str:
    """A token with good claims, changed as asked, signed with the key of that algorithm."""
    return sign(claims(**changes), key=signing_key(algorithm), kid=algorithm, algorithm=algorithm, typ=typ)


def raw_token(
    payload: bytes, algorithm: str = "ES256", header: Mapping[str, object] | bytes | None = None
) -> str:
    """A token whose signature is good, whatever its header and payload hold."""
    if header is None:
        header = {"alg": algorithm, "kid": algorithm, "typ": "JWT"}
    octets = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{base64url.encode(octets)}.{base64url.encode(payload)}"
    return f"{signing_input}.{base64url.encode(signature(signing_input, algorithm))}"


def signature(signing_input: str, algorithm: str = "ES256") -> bytes:
    key = signing_key(algorithm)
    return jwt.get_algorithm_by_name(algorithm).sign(signing_input.encode(), key)
