"""Public ids: a noun's prefix and 20 random base62 characters (119 bits)."""

import secrets
import string

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def random_base62(length: int) -> str:
    number, characters = secrets.randbelow(62**length), []  # one draw: the system is asked once
    for _ in range(length):
        number, place = divmod(number, 62)
        characters.append(BASE62[place])
    return "".join(characters)


def new_id(prefix: str) -> str:
    return f"{prefix}_{random_base62(20)}"
