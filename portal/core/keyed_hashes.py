"""Finding what is stored sealed: hashes that nobody can make who lacks the sealing keys.

A telephone number has few digits: a plain hash of it is as good as the number. ``rotate_sealing_key``
hashes anew what it seals anew; meanwhile rows are looked up under all keys.
"""

import base64
import hmac
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

LONGEST = 29
"""Characters of a hash: its version, a point, 128 bits in base64url."""


class _Key(NamedTuple):
    version: str
    key: bytes


@lru_cache(maxsize=16)
def _key(sealing_key: str) -> _Key:
    key = HKDF(SHA256(), length=32, salt=None, info=b"latchkey keyed hash v1").derive(sealing_key.encode())
    return _Key(_digest(key, b"version")[:6], key)


def _digest(key: bytes, text: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, text, "sha256")[:16]).rstrip(b"=").decode()


def _hashed(sealing_key: str, purpose: str, text: str) -> str:
    version, key = _key(sealing_key)
    return f"{version}.{_digest(key, f'{purpose}: {text}'.encode())}"


def keyed_hash(purpose: str, text: str) -> str:
    """``<version>.<HMAC-SHA256>`` under the newest sealing key; equal texts of two purposes differ."""
    return _hashed(settings.SEALING_KEYS[0], purpose, text)


def keyed_hashes(purpose: str, text: str) -> list[str]:
    """All that the text may be stored under: one for each sealing key, the newest first."""
    return [_hashed(key, purpose, text) for key in settings.SEALING_KEYS]
