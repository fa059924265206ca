"""Token status lists (draft-ietf-oauth-status-list): a bit for each JWT key, and where it is."""

import hmac
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from tokens.base64url import decode, encode

_HALF_BITS: Final = 10
_HALF: Final = 1 << _HALF_BITS
LIST_SIZE: Final = _HALF * _HALF  # 2^20 indices a list
_ROUNDS: Final = 8

LIST_TYPE: Final = "statuslist+jwt"
"""The ``typ`` of a signed list; with ``application/`` before it, its media type."""
VALID: Final = 0
INVALID: Final = 1
_MOST_OCTETS: Final = 1 << 20
"""Of a list as unpacked: eight times ours. What unpacks to more is an attack."""

_Tables = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A status list's number and the index in it."""

    list_id: int
    index: int


@dataclass(frozen=True, slots=True)
class Statuses:
    """A status for each index, ``bits`` (1, 2, 4 or 8) wide, the first in the lowest bits (section 4.1)."""

    bits: int
    octets: bytes

    @classmethod
    def of_keys(cls, list_id: int, invalid: Iterable[int], secret: bytes) -> Self:
        """A whole list in which the keys with these sequence numbers are INVALID and all others VALID.

        Raises ValueError for a number that isn't in the list.
        """
        octets = bytearray(LIST_SIZE // 8)
        tables, first = _round_tables(list_id, secret), list_id * LIST_SIZE
        for sequence in invalid:
            if not 0 <= sequence - first < LIST_SIZE:
                raise ValueError("The key is in another list.")
            index = _permuted(sequence - first, tables)
            octets[index >> 3] |= 1 << (index & 7)
        return cls(1, bytes(octets))

    @classmethod
    def from_claim(cls, claim: object) -> Self:
        """Read the claim ``status_list`` of a list; raises ValueError, and nothing else, for a bad one."""
        if not isinstance(claim, Mapping):
            raise ValueError("status_list is no object")
        bits, packed = claim.get("bits"), claim.get("lst")
        if isinstance(bits, bool) or bits not in (1, 2, 4, 8) or not isinstance(packed, str):
            raise ValueError("status_list has no good bits or lst")
        try:
            return cls(int(bits), _unpacked(decode(packed)))
        except (ValueError, zlib.error):
            raise ValueError("lst is not a packed list") from None

    def claim(self) -> dict[str, object]:
        """What ``from_claim`` reads (section 4.2)."""
        return {"bits": self.bits, "lst": encode(zlib.compress(self.octets, 9))}

    def __getitem__(self, index: int) -> int:
        """The status at ``index``; raises IndexError beyond the list, which means refuse (section 8.3)."""
        if not 0 <= index < len(self.octets) * 8 // self.bits:
            raise IndexError("The list has no such index.")
        octet, place = divmod(index * self.bits, 8)
        return self.octets[octet] >> place & (1 << self.bits) - 1


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    octets = unpacking.decompress(packed, _MOST_OCTETS)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("cut off, too long, or followed by something")
    return octets


def position(sequence: int, secret: bytes) -> Position:
    """Return where the key of that sequence number has its bit: always the same, never another key's.

    Lists fill one after the other. Within a list the order is a keyed permutation, so that an index does
    not tell a customer how many keys came before (section 12.5 of the draft asks for unlinkable indices),
    without a table or a retry. Raises ValueError for a negative number or a secret below 16 bytes.
    """
    if sequence < 0:
        raise ValueError("A status position needs a sequence from 0 and a secret of 16 bytes or more.")
    list_id, offset = divmod(sequence, LIST_SIZE)
    return Position(list_id, _permuted(offset, _round_tables(list_id, secret)))


def _permuted(offset: int, tables: _Tables) -> int:
    """A Feistel network over two halves: a bijection whatever the tables hold."""
    left, right = divmod(offset, _HALF)
    for table in tables:
        left, right = right, left ^ table[right]
    return left * _HALF + right


@lru_cache(maxsize=16)
def _round_tables(list_id: int, secret: bytes) -> _Tables:
    """The network's round functions.

    Tabulated, because a half has 1,024 values only: 10 ms a list, once, instead of a hash a round.
    """
    if len(secret) < 16:
        raise ValueError("A status position needs a sequence from 0 and a secret of 16 bytes or more.")
    return tuple(
        tuple(_round_value(secret, f"{list_id}:{number}:{half}") for half in range(_HALF))
        for number in range(_ROUNDS)
    )


def _round_value(secret: bytes, label: str) -> int:
    return int.from_bytes(hmac.digest(secret, label.encode("ascii"), "sha256")[:2], "big") % _HALF
