"""Secrets at rest: Fernet under the newest of ``PORTAL_SEALING_KEYS``, readable under all."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from portal.core.errors import Unavailable
from provisioning.secret import Secret


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(text: str) -> bytes:
    key = HKDF(SHA256(), length=32, salt=None, info=b"latchkey sealing v1").derive(text.encode())
    return base64.urlsafe_b64encode(key)


def seal(secret: Secret) -> str:
    """Encrypt for storage; the answer is ASCII."""
    return _box(settings.SEALING_KEYS).encrypt(secret.reveal().encode()).decode()


def resealed(sealed: str) -> str | None:
    """The same secret under the newest sealing key; None when it is that already.

    Raises ``Unavailable`` when no sealing key fits.
    """
    try:
        _box(settings.SEALING_KEYS[:1]).decrypt(sealed.encode())
    except InvalidToken:
        return seal(unseal(sealed))
    return None


def unseal(sealed: str) -> Secret:
    """Decrypt what ``seal`` returned; raises ``Unavailable`` when no sealing key fits."""
    try:
        return Secret(_box(settings.SEALING_KEYS).decrypt(sealed.encode()).decode())
    except InvalidToken as exc:
        raise Unavailable(
            "sealing_key_missing",
            "A stored secret can't be opened with PORTAL_SEALING_KEYS. Put the former key back.",
        ) from exc
