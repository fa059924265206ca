"""Is this key good? For introspection, RFC 7009 revocation and gateways that ask."""

from dataclasses import dataclass
from typing import Any

from portal.core.clock import now
from portal.core.fingerprints import fingerprint
from portal.core.plugins import jwt_config
from portal.models import IssuedKey
from portal.services.signing_keys.lookup import verification_keys
from provisioning.secret import Secret
from tokens.verify import InvalidToken, Verifier


@dataclass(frozen=True)
class GoodKey:
    """A key that works now; ``claims`` are the JWT's own, or the same facts of an opaque key."""

    key: IssuedKey
    claims: dict[str, Any]


def issued_key_of(text: str) -> IssuedKey | None:
    """The key with that secret, in whatever state, or None when it is not one of ours."""
    found = IssuedKey.objects.select_related("customer", "user", "signing_key")
    return found.filter(fingerprint=fingerprint(Secret(text))).first()


def good_key(text: str) -> GoodKey | None:
    """The key when it works right now, else None."""
    key = issued_key_of(text)
    if key is None or not key.is_usable:
        return None
    if key.signing_key_id is None:
        return GoodKey(key, _facts(key))
    config = jwt_config()
    if config is None:
        return None
    verifier = Verifier(keys=verification_keys(), issuer=config.issuer, audience=config.audience, now=now)
    try:
        verified = verifier.verify(text)
    except InvalidToken:
        return None
    return GoodKey(key, dict(verified.claims))


def _facts(key: IssuedKey) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "sub": key.user.public_id if key.user else None,
        "org_id": key.customer.external_id,
        "iat": int(key.activated_at.timestamp()) if key.activated_at else None,
        "exp": int(key.expires_at.timestamp()) if key.expires_at else None,
        "scope": " ".join(key.scopes) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
