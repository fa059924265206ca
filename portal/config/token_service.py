"""``TOKEN_SERVICE_…``: the phone-token service, off until its issuer and key are set."""

import base64
import binascii

from portal.config.env import Env
from portal.core.token_service import TokenService
from provisioning.config import ConfigError
from tokens.jwk import InvalidKey, require_fit

SHORTEST_KEY = 32
"""Bytes: HS256 wants a key as long as its hash (RFC 7518 section 3.2)."""


def token_service(env: Env) -> TokenService | None:
    """As the variables say; all of them are checked, also while it is off."""
    issuer, key = env.text("TOKEN_SERVICE_ISSUER"), _key(env)
    service = TokenService(
        issuer=issuer,
        key=key,
        address_limit=env.limit("TOKEN_SERVICE_RATE", "30/minute"),
        phone_limit=env.limit("TOKEN_SERVICE_PHONE_RATE", "5/minute"),
        needs_bearer=env.choice("TOKEN_SERVICE_AUTH", ("none", "bearer"), "none") == "bearer",
    )
    return service if issuer and key else None


def _key(env: Env) -> bytes:
    text = env.text("TOKEN_SERVICE_KEY")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ConfigError("TOKEN_SERVICE_KEY", "is no base64") from exc
    if text and len(key) < SHORTEST_KEY:
        raise ConfigError(
            "TOKEN_SERVICE_KEY", f"is too short: at least {SHORTEST_KEY} bytes before base64 encodes them"
        )
    try:
        require_fit(key or bytes(SHORTEST_KEY), "HS256")
    except InvalidKey as exc:
        raise ConfigError("TOKEN_SERVICE_KEY", "is a key file, not a shared secret") from exc
    return key
