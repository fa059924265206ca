"""Checking customers' keys away from the portal: what the AWS authorizer and API servers share."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tokens.jws import InvalidToken
from tokens.remote_statuses import RemoteStatuses, StatusBit
from tokens.verify import VerifiedToken, Verifier

REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A customer's good key: whose it is and what it may do."""

    customer: str
    user: str
    key_id: str
    """``client_id`` when the token has one (RFC 9068), else ``jti``; empty when it has neither."""
    scopes: frozenset[str]
    claims: Mapping[str, object]

    def lacks(self, required: Iterable[str]) -> list[str]:
        """The required scopes that it doesn't have, sorted."""
        return sorted(set(required) - self.scopes)


@dataclass(frozen=True, slots=True)
class _Seen:
    token: VerifiedToken
    key: CheckedKey
    status: StatusBit | None


class KeyChecker:
    """Verifies a key, and remembers it: the next time only what may have changed is looked at.

    That is whether it has expired, whether its signing key is still published and whether its status list
    says revoked. Remembered are the last ``remembered`` keys, by SHA-256: no secret is kept. Safe to share
    between threads.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        statuses: RemoteStatuses | None = None,
        customer_claim: str = "org_id",
        user_claim: str = "sub",
        remembered: int = REMEMBERED,
    ) -> None:
        self._verifier = verifier
        self._statuses = statuses
        self._customer_claim = customer_claim
        self._user_claim = user_claim
        self._remembered = remembered
        self._seen: dict[bytes, _Seen] = {}
        self._lock = threading.Lock()

    def check(self, token: str) -> CheckedKey:
        """Return whose key it is; raises InvalidToken for a bad one, Unavailable when nobody can tell.

        Codes beside those of ``Verifier.verify``: ``revoked``.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        seen = self._seen.get(digest)
        # By identity: a key that is published again unchanged stays the same object.
        if seen is None or self._verifier.keys.get(seen.token.kid) is not seen.token.key:
            self._forget(digest)
            seen = self._verified(token)
            self._remember(digest, seen)
        else:
            self._verifier.require_time(seen.token)
        if seen.status is not None:
            seen.status.require_valid()
        return seen.key

    def _verified(self, token: str) -> "_Seen":
        verified = self._verifier.verify(token)
        status = None if self._statuses is None else self._statuses.bit_of(verified.claims)
        return _Seen(verified, self._checked(verified.claims), status)

    def _checked(self, claims: dict[str, object]) -> CheckedKey:
        customer, user = _name(claims, self._customer_claim), _name(claims, self._user_claim)
        scopes = frozenset(str(claims.get("scope", "")).split())
        key_id = str(claims.get("client_id") or claims.get("jti") or "")
        return CheckedKey(customer, user, key_id, scopes, MappingProxyType(claims))

    def _remember(self, digest: bytes, seen: _Seen) -> None:
        with self._lock:
            while len(self._seen) >= max(1, self._remembered):
                del self._seen[next(iter(self._seen))]  # the oldest
            self._seen[digest] = seen

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._seen.pop(digest, None)


def _name(claims: Mapping[str, object], claim: str) -> str:
    """The claim's text; it ends up in headers and logs."""
    name = claims.get(claim)
    if not isinstance(name, str) or not name:
        raise InvalidToken("missing_claim", f"{claim} names nobody")
    if not name.isprintable():
        raise InvalidToken("bad_claim", f"{claim} has characters that no name has")
    return name
