"""Verification keys under their key ids, and JSON Web Key Sets (RFC 7517 5)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from tokens.jwk import InvalidKey, PublicKey, public_key_from_jwk, require_fit


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the one algorithm it verifies; raises InvalidKey unless both fit each other."""

    kid: str
    algorithm: str
    key: PublicKey | bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_fit(self.key, self.algorithm)


class Keys(Protocol):
    """Where a verifier looks keys up."""

    def get(self, kid: str) -> VerificationKey | None:
        """Return the key of that id, or None when there is none."""


@dataclass(frozen=True, slots=True)
class OneKey:
    """The only key there is, whatever ``kid`` a token names."""

    key: VerificationKey

    def get(self, kid: str) -> VerificationKey | None:
        return self.key


class KeySet:
    """An immutable set of verification keys, found by ``kid``."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VerificationKey] = ()) -> None:
        """Raises ValueError for two keys with one kid: which of them signed would be a guess."""
        by_kid: dict[str, VerificationKey] = {}
        for key in keys:
            if by_kid.setdefault(key.kid, key) is not key:
                raise ValueError("Two keys of a set have the same kid.")
        self._keys = MappingProxyType(by_kid)

    def get(self, kid: str) -> VerificationKey | None:
        """Return the key of that id, or None when the set has none."""
        return self._keys.get(kid)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeySet({list(self._keys.values())!r})"

    def renewed(self, newer: "KeySet") -> "KeySet":
        """Return ``newer``, with this set's own objects for the keys that are in both.

        So whoever remembers a key sees by identity whether it is still in the set.
        """
        return KeySet(own if (own := self.get(key.kid)) == key else key for key in newer)

    @classmethod
    def from_jwks(cls, document: object) -> "KeySet":
        """Return the usable keys of a parsed JWK Set.

        Keys that are unknown, unsupported, weak, shared secrets, or without kid or algorithm are left
        out, as RFC 7517 5 asks. Raises ValueError for what is no JWK Set, and for repeated kids.
        """
        members = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(members, list) or not all(isinstance(member, Mapping) for member in members):
            raise ValueError('A JWK Set is an object with a list of objects under "keys".')
        return cls(key for member in members if (key := _usable(member)) is not None)


def _usable(member: Mapping[str, object]) -> VerificationKey | None:
    kid = member.get("kid")
    if not isinstance(kid, str):
        return None
    try:
        algorithm, key = public_key_from_jwk(member)
    except InvalidKey:
        return None
    return VerificationKey(kid, algorithm, key)
