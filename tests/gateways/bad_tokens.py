"""Tokens that no gateway may let in, each for one reason alone."""

import time
from collections.abc import Callable

from tests.gateways.issuer import Issuer, SigningKey
from tests.real import forged

BAD: dict[str, Callable[[Issuer], str]] = {
    # Otherwise valid: the issuer's own signature, but ...
    "expired": lambda issuer: issuer.token(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
    "foreign issuer": lambda issuer: issuer.token(iss="https://issuer.example.net"),
    "wrong audience": lambda issuer: issuer.token(aud="https://other.example.net", client_id="key_other"),
    # Public, and signed by the keys that sign keys.
    "a status list": lambda issuer: issuer.status_list(),
    # ... and those that the issuer never signed.
    "tampered": lambda issuer: forged.tampered(issuer.token()),
    "none": lambda issuer: forged.unsigned(issuer.token()),
    "HS256 with the public key": lambda issuer: forged.signed_with_the_public_key(
        issuer.token(), issuer.active.jwk
    ),
    "unknown kid": lambda issuer: issuer.token(signed_by=SigningKey(issuer.algorithm)),
    "a stranger's key under our kid": lambda issuer: issuer.token(
        signed_by=SigningKey(issuer.algorithm), kid=issuer.active.kid
    ),
    "no token at all": lambda issuer: "",
}
"""By what is wrong with it. Made for an issuer, which may have an audience or not."""
