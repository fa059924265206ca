"""The portal's published keys, as a verifier away from it keeps them."""

import time
from collections.abc import Callable
from typing import Final

from tokens import strict_json
from tokens.fetch import Fetch, fetch
from tokens.kept import COOLDOWN_SECONDS, Kept
from tokens.keyset import KeySet, VerificationKey

FRESH_SECONDS: Final = 300.0
"""The ``max-age`` of the JWKS."""
KEEP_SECONDS: Final = 86_400.0
"""Its ``stale-if-error``: so long keys are believed that can't be looked up again."""


class RemoteKeys:
    """A JWKS by its address (RFC 7517 5), for a Verifier.

    The last good set is used while the portal is away, for at most ``keep_seconds``. An unknown ``kid``
    fetches anew, at most once every ``cooldown_seconds``: a flood of them costs one fetch a window.
    """

    def __init__(
        self,
        url: str,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        keep_seconds: float = KEEP_SECONDS,
        cooldown_seconds: float = COOLDOWN_SECONDS,
        fetch: Fetch = fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self._kept = Kept(
            url,
            _read,
            fresh_seconds=lambda _: fresh_seconds,
            keep_seconds=keep_seconds,
            cooldown_seconds=cooldown_seconds,
            fetch=fetch,
            clock=clock,
        )

    def get(self, kid: str) -> VerificationKey | None:
        """Return the key of that id, or None when the portal publishes none; raises Unavailable."""
        return self._kept.get().get(kid) or self._kept.renewed(wait=True).get(kid)


def _read(body: bytes, former: KeySet | None) -> KeySet:
    newer = KeySet.from_jwks(strict_json.parse_object(body))
    if not len(newer):
        raise ValueError("no usable key")
    return newer if former is None else former.renewed(newer)
