"""Reading signing keys: which one signs, and which signatures count."""

from collections.abc import Callable
from functools import lru_cache

from django.db import connection

from portal.core.plugins import signing_source
from portal.core.sealing import unseal
from portal.models import SigningKey
from provisioning.contract import SigningKey as KeyMaterial
from provisioning.errors import Misconfigured
from tokens.jwk import HMAC, PrivateKey, PublicKey, load_key, public_key_from_jwk
from tokens.keyset import VerificationKey


class DatabaseSigner:
    """The ``Signer`` that plugins get: the active key, imported if there is one, else managed.

    ``sync`` makes sure of the keys that this process's configuration asks for.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync

    def current(self) -> KeyMaterial:
        source = SigningKey.Source(signing_source())
        if not SigningKey.objects.filter(source=source, state=SigningKey.State.ACTIVE).exists():
            # A process with another configuration, from before a change, may have retired it.
            self._sync()
        return active_key(source)


def active_key(source: SigningKey.Source) -> KeyMaterial:
    """The active key of that source with its private half; raises ``Misconfigured``."""
    key = SigningKey.objects.filter(source=source, state=SigningKey.State.ACTIVE).first()
    if key is None:
        raise Misconfigured(
            "no_signing_key",
            "No signing key is active. Restart the portal, or give PLUGIN_JWT_SECRET another key.",
        )
    return KeyMaterial(key.kid, key.algorithm, _opened(key.sealed_private, key.algorithm))


@lru_cache(maxsize=16)
def _opened(sealed: str, algorithm: str) -> PrivateKey | bytes:
    return load_key(unseal(sealed).reveal(), algorithm)


def verification_key(key: SigningKey) -> VerificationKey | None:
    """What verifies that key's signatures, an HS secret included; None when they don't count any more."""
    if key.state not in SigningKey.VERIFYING:
        return None
    if key.algorithm in HMAC:
        secret = unseal(key.sealed_private).reveal().encode()
        return VerificationKey(key.kid, key.algorithm, secret)
    return VerificationKey(key.kid, key.algorithm, _parsed(tuple(sorted(key.public_jwk.items()))))


@lru_cache(maxsize=64)
def _parsed(jwk: tuple[tuple[str, str], ...]) -> PublicKey | bytes:
    return public_key_from_jwk(dict(jwk))[1]


def lock_shared(kid: str) -> SigningKey | None:
    """The key as it is, kept so until the transaction ends, together with other readers.

    Revoking a key waits for activations under way, and they see a revocation that came first.
    """
    if connection.vendor == "postgresql":
        found = SigningKey.objects.raw("SELECT * FROM portal_signingkey WHERE kid = %s FOR SHARE", [kid])
        return next(iter(found), None)
    return SigningKey.objects.filter(kid=kid).first()  # SQLite has one writer
