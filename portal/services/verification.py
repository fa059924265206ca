"""Is this key good? For introspection, RFC 7009 revocation and gateways that ask."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from portal.core.clock import now
from portal.core.fingerprints import fingerprint
from portal.models import IssuedKey
from portal.services.signing_keys.lookup import verification_keys
from provisioning.secret import Secret
from tokens.base64url import decode
from tokens.strict_json import parse_object
from tokens.verify import InvalidToken, Verifier

LAST_USE_EVERY = timedelta(minutes=1)


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
    """The key when it works right now, else None. Notes its use once a minute."""
    key = issued_key_of(text)
    if key is None or not key.is_usable:
        return None
    if key.signing_key_id is None:
        return _used(GoodKey(key, _facts(key)))
    try:
        verified = _verifier_for(text).verify(text)
    except (InvalidToken, ValueError):
        return None
    return _used(GoodKey(key, dict(verified.claims)))


def _used(good: GoodKey) -> GoodKey:
    last = good.key.last_used_at
    if last is None or last + LAST_USE_EVERY <= now():
        IssuedKey.objects.filter(pk=good.key.pk).update(last_used_at=now())
    return good


def _verifier_for(text: str) -> Verifier:
    """Issuer and audience are those the key was made with, which may not be today's settings.

    The fingerprint has shown already that this is, to the letter, what we issued.
    """
    claims = parse_object(decode(text.split(".")[1]))
    named = claims.get("aud", [])
    audience = named if isinstance(named, list) else [named]
    return Verifier(
        keys=verification_keys(),
        issuer=str(claims.get("iss")),
        audience=tuple(str(name) for name in audience),
        now=now,
    )


def _facts(key: IssuedKey) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "sub": key.user.public_id if key.user else None,
        "org_id": key.customer.external_id,
        "iat": int(key.activated_at.timestamp()) if key.activated_at else None,
        "exp": int(key.expires_at.timestamp()) if key.expires_at else None,
        "scope": " ".join(key.scopes) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
