"""Signing JSON Web Tokens in the compact form (RFC 7515 7.1)."""

import json
from collections.abc import Mapping

import jwt

from tokens.jwk import PrivateKey, require_fit

_JWS = jwt.PyJWS()  # making one takes longer than signing with HMAC


def sign(
    claims: Mapping[str, object],
    *,
    key: PrivateKey | bytes,
    algorithm: str,
    kid: str | None = None,
    typ: str = "JWT",
) -> str:
    """Return the signed token: the claims as they are, the header ``alg typ`` and any ``kid``.

    Raises InvalidKey for a key that does not fit the algorithm, and ValueError or TypeError for claims
    that JSON can't carry (NaN, lone surrogates, unknown types).
    """
    require_fit(key, algorithm)
    payload = json.dumps(dict(claims), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    headers = {"typ": typ} if kid is None else {"kid": kid, "typ": typ}
    return _JWS.encode(payload.encode(), key, algorithm, headers=headers)
