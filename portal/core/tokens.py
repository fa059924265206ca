"""The form of a management token: ``lk_``, 30 base62 characters, 6 of their CRC32."""

import re
import zlib

from portal.core.ids import BASE62, random_base62
from provisioning.secret import Secret

PREFIX = "lk_"
_FORM = re.compile(r"lk_[0-9A-Za-z]{36}", re.ASCII)


def new_management_token() -> Secret:
    body = random_base62(30)
    return Secret(PREFIX + body + _checksum(body))


def is_well_formed(text: str) -> bool:
    """Whether form and checksum fit: what a secret scanner can tell without asking us."""
    return _FORM.fullmatch(text) is not None and _checksum(text[3:33]) == text[33:]


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
