"""Where a JWT key's bit is in the token status lists (draft-ietf-oauth-status-list)."""

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_HALF_BITS: Final = 10
_HALF: Final = 1 << _HALF_BITS
LIST_SIZE: Final = _HALF * _HALF  # 2^20 indices a list
_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Position:
    """A status list's number and the index in it."""

    list_id: int
    index: int


def position(sequence: int, secret: bytes) -> Position:
    """Return where the key of that sequence number has its bit: always the same, never another key's.

    Lists fill one after the other. Within a list the order is a keyed permutation, so that an index does
    not tell a customer how many keys came before (section 12.5 of the draft asks for unlinkable indices),
    without a table or a retry. Raises ValueError for a negative number or a secret below 16 bytes.
    """
    if sequence < 0 or len(secret) < 16:
        raise ValueError("A status position needs a sequence from 0 and a secret of 16 bytes or more.")
    list_id, offset = divmod(sequence, LIST_SIZE)
    left, right = divmod(offset, _HALF)
    for table in _round_tables(list_id, secret):
        left, right = right, left ^ table[right]
    return Position(list_id, left * _HALF + right)


@lru_cache(maxsize=16)
def _round_tables(list_id: int, secret: bytes) -> tuple[tuple[int, ...], ...]:
    """The round functions of a Feistel network over two halves, a bijection whatever they hold.

    Tabulated, because a half has 1,024 values only: 10 ms a list, once, instead of a hash a round.
    """
    return tuple(
        tuple(_round_value(secret, f"{list_id}:{number}:{half}") for half in range(_HALF))
        for number in range(_ROUNDS)
    )


def _round_value(secret: bytes, label: str) -> int:
    return int.from_bytes(hmac.digest(secret, label.encode("ascii"), "sha256")[:2], "big") % _HALF
