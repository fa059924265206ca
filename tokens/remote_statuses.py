"""The portal's token status lists, as a verifier away from it keeps them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tokens import strict_json
from tokens.fetch import MOST_BYTES, Fetch, fetch
from tokens.jws import Header, InvalidToken, verify_jws
from tokens.kept import Kept, Unavailable
from tokens.keyset import Keys, VerificationKey
from tokens.status_list import LIST_TYPE, VALID, Statuses
from tokens.verify import seconds

_LEAST_FRESH_SECONDS: Final = 1.0
_MOST_LISTS: Final = 1024
"""A thousand million keys."""


@dataclass(frozen=True, slots=True)
class _SignedList:
    statuses: Statuses
    ttl_seconds: float
    ends_at: float
    """Its ``exp``."""


@dataclass(frozen=True, slots=True)
class StatusBit:
    """A token's place in a list that is kept."""

    _kept: Kept[_SignedList]
    _index: int
    _clock: Callable[[], float]

    def require_valid(self) -> None:
        """Raise InvalidToken ``revoked`` when it is, Unavailable when the list can't be had."""
        try:
            value = self._current().statuses[self._index]
        except IndexError:
            raise InvalidToken("bad_claim", "status is beyond its list") from None
        if value != VALID:
            raise InvalidToken("revoked", "the token was revoked")

    def _current(self) -> _SignedList:
        """By its ``exp``, however it came to be held for so long."""
        signed = self._kept.get()
        if self._clock() >= signed.ends_at:
            signed = self._kept.renewed(wait=True)
            if self._clock() >= signed.ends_at:
                raise Unavailable("its status list has expired")
        return signed


class RemoteStatuses:
    """The lists below ``url``, verified by ``keys`` (draft-ietf-oauth-status-list 8.3).

    Each is fetched when half of its ``ttl`` is over, so that with the second or two that publishing takes
    a revoked key is refused within ``ttl``. When that fails the last one is used until its ``exp``.
    """

    def __init__(
        self,
        url: str,
        keys: Keys,
        *,
        fetch: Fetch = fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._prefix = url.rstrip("/") + "/"
        self._keys = keys
        self._fetch = fetch
        self._clock = clock
        self._lists: dict[str, Kept[_SignedList]] = {}

    def bit_of(self, claims: Mapping[str, object]) -> "StatusBit | None":
        """Where the token's status is, or None for a token that has none; nothing is fetched yet.

        ``claims`` must be those of a token whose signature was good. Raises InvalidToken ``bad_claim`` for a
        place that is none, or in another portal's list.
        """
        status = claims.get("status")
        if status is None:
            return None
        place = status.get("status_list") if isinstance(status, Mapping) else None
        uri, index = (place.get("uri"), place.get("idx")) if isinstance(place, Mapping) else (None, None)
        if not isinstance(uri, str) or isinstance(index, bool) or not isinstance(index, int):
            raise InvalidToken("bad_claim", "status names no place in a list")
        return StatusBit(self._list(uri), index, self._clock)

    def _list(self, uri: str) -> Kept[_SignedList]:
        kept = self._lists.get(uri)
        if kept is not None:
            return kept
        name = uri.removeprefix(self._prefix)
        if name == uri or not (name.isascii() and name.isdigit()) or len(self._lists) >= _MOST_LISTS:
            raise InvalidToken("bad_claim", "status names a list of another portal")
        made = Kept(
            uri,
            lambda body, _: self._read(body, uri),
            fresh_seconds=lambda signed: max(signed.ttl_seconds / 2, _LEAST_FRESH_SECONDS),
            fetch=self._fetch,
            clock=self._clock,
        )
        return self._lists.setdefault(uri, made)

    def _read(self, body: bytes, uri: str) -> _SignedList:
        """Raises ValueError for what is no list of that address, signed by the portal and current."""
        try:
            header, payload, _ = verify_jws(body, self._find_key, most_bytes=MOST_BYTES)
        except InvalidToken as exc:
            raise ValueError(exc.code) from None
        if header.get("typ") != LIST_TYPE:
            raise ValueError("wrong typ")
        claims = strict_json.parse_object(payload)
        exp, ttl = seconds(claims.get("exp")), seconds(claims.get("ttl"))
        if claims.get("sub") != uri or not exp or not ttl:
            raise ValueError("wrong sub, exp or ttl")
        if exp <= self._clock():
            raise ValueError("expired")
        return _SignedList(Statuses.from_claim(claims.get("status_list")), ttl, exp)

    def _find_key(self, header: Header) -> VerificationKey | None:
        kid = header.get("kid")
        return self._keys.get(kid) if isinstance(kid, str) else None
