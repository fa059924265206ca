"""Is this key good? For introspection, RFC 7009 revocation and gateways that ask."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from portal.core.clock import now
from portal.core.fingerprints import fingerprint
from portal.models import IssuedKey, SigningKey
from portal.services.signing_keys.lookup import verification_key
from portal.services.uses import uses
from provisioning.secret import Secret
from tokens.base64url import decode
from tokens.keyset import KeySet
from tokens.strict_json import parse_object
from tokens.verify import InvalidToken, Verifier

_WITH_OWNER = (
    IssuedKey.objects.select_related("customer", "user", "signing_key")
    .only(
        "public_id", "status", "scopes", "activated_at", "expires_at", "retires_at", "last_used_at",
        "customer__external_id", "user__public_id", "signing_key__kid", "signing_key__algorithm",
        "signing_key__state", "signing_key__public_jwk", "signing_key__sealed_private",
    )
    .order_by()
)  # fmt: skip
"""Built once: gateways wait for this query, and building it takes as long as asking."""


@dataclass(frozen=True)
class GoodKey:
    """A key that works now; ``claims`` are the JWT's own, or the same facts of an opaque key."""

    key: IssuedKey
    claims: dict[str, Any]


def issued_key_of(text: str) -> IssuedKey | None:
    """The key with that secret, in whatever state, or None when it is not one of ours. One query."""
    return next(iter(_WITH_OWNER.filter(fingerprint=fingerprint(Secret(text)))), None)


def good_key(text: str, *, reach: AbstractSet[int] | None = None) -> GoodKey | None:
    """The key when it works right now, else None. One query; the use is noted, not yet written.

    Keys of customers outside ``reach`` are nobody's; None stands for all customers.
    Nothing of an answer is kept for the next one: what was revoked is refused at once.
    """
    key = issued_key_of(text)
    if key is None or not key.is_usable or (reach is not None and key.customer_id not in reach):
        return None
    claims = _facts(key) if key.signing_key is None else _verified_claims(text, key.signing_key)
    if claims is None:
        return None
    uses.note(key)
    return GoodKey(key, claims)


def _verified_claims(text: str, signing_key: SigningKey) -> dict[str, Any] | None:
    """Issuer and audience are those the key was made with, which may not be today's settings.

    The fingerprint has shown already that this is, to the letter, what we issued.
    """
    public = verification_key(signing_key)
    if public is None:
        return None
    try:
        claims = parse_object(decode(text.partition(".")[2].partition(".")[0]))
        named = claims.get("aud", [])
        audience = named if isinstance(named, list) else [named]
        verifier = Verifier(
            keys=KeySet([public]),
            issuer=str(claims.get("iss")),
            audience=tuple(str(name) for name in audience),
            now=lambda: now().timestamp(),
        )
        return dict(verifier.verify(text).claims)
    except (InvalidToken, ValueError):
        return None


def _facts(key: IssuedKey) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "sub": key.user.public_id if key.user else None,
        "org_id": key.customer.external_id,
        "iat": int(key.activated_at.timestamp()) if key.activated_at else None,
        "exp": int(key.expires_at.timestamp()) if key.expires_at else None,
        "scope": " ".join(key.scopes) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
