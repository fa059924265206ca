"""A portal as a verifier away from it sees it: documents by address, and a clock for both."""

import json

from tests.tokens.keys import NOW_SECONDS, signing_key, verifying_half
from tokens.fetch import Fetched, FetchFailed
from tokens.jwk import public_jwk
from tokens.remote_keys import RemoteKeys
from tokens.remote_statuses import RemoteStatuses
from tokens.sign import sign
from tokens.status_list import Statuses

ORIGIN = "https://portal.example"
JWKS = f"{ORIGIN}/.well-known/jwks.json"
LISTS = f"{ORIGIN}/.well-known/status-lists"
TTL_SECONDS = 60


class Portal:
    """``fetch`` for the classes under test; ``seconds`` have passed since NOW."""

    def __init__(self, *kids: str, bits: int = 64) -> None:
        self.kids = list(kids or ("ES256",))
        """Algorithms of published keys, which are their kids too."""
        self.seconds = 0.0
        self.away = False
        self.asked: list[tuple[str, str | None]] = []
        self.revoked: set[int] = set()
        self.bits = bits
        self.instead: dict[str, bytes] = {}
        """Bodies by address that are served in place of the good ones."""
        self._signed: dict[object, bytes] = {}

    def clock(self) -> float:
        return NOW_SECONDS + self.seconds

    def asked_for(self, url: str) -> int:
        return sum(asked == url for asked, _ in self.asked)

    def fetch(self, url: str, etag: str | None) -> Fetched:
        self.asked.append((url, etag))
        body = self.instead.get(url) or (self._jwks() if url == JWKS else self._current_list(url))
        if self.away:
            raise FetchFailed("away")
        current = f'"{hash(body)}"'
        return Fetched(None if etag == current else body, current)

    def _current_list(self, url: str) -> bytes:
        """Signed at half-lives and after a revocation, as the portal does; the same bytes in between."""
        signed = (url, self.seconds // (TTL_SECONDS / 2), frozenset(self.revoked), self.kids[0])
        if signed not in self._signed:
            self._signed[signed] = self.list_token(url)
        return self._signed[signed]

    def _jwks(self) -> bytes:
        return json.dumps({"keys": [jwk_of(kid) for kid in self.kids]}).encode()

    def list_token(
        self, url: str, *, signed_by: str | None = None, typ: str = "statuslist+jwt", **changes: object
    ) -> bytes:
        """The list at that address, signed at half-lives as the portal does."""
        at = NOW_SECONDS + int(self.seconds // (TTL_SECONDS / 2) * (TTL_SECONDS / 2))
        octets = bytearray(self.bits // 8)
        for index in self.revoked:
            octets[index >> 3] |= 1 << (index & 7)
        claims = {
            "iss": LISTS, "sub": url, "iat": at, "exp": at + 7200, "ttl": TTL_SECONDS,
            "status_list": Statuses(1, bytes(octets)).claim(),
        } | changes  # fmt: skip
        algorithm = signed_by or self.kids[0]
        return sign(claims, key=signing_key(algorithm), kid=algorithm, algorithm=algorithm, typ=typ).encode()

    def keys(self, **options: float) -> RemoteKeys:
        return RemoteKeys(JWKS, fetch=self.fetch, clock=self.clock, **options)  # type: ignore[arg-type]

    def statuses(self, keys: RemoteKeys | None = None) -> RemoteStatuses:
        return RemoteStatuses(LISTS, keys or self.keys(), fetch=self.fetch, clock=self.clock)


def jwk_of(kid: str) -> dict[str, str]:
    """The published half of the key with that algorithm."""
    key = verifying_half(signing_key(kid))
    assert not isinstance(key, bytes)
    return public_jwk(key, kid=kid, algorithm=kid)


def status(index: int = 7, uri: str = f"{LISTS}/0") -> dict[str, object]:
    """The claim of a key at that place."""
    return {"status_list": {"idx": index, "uri": uri}}
