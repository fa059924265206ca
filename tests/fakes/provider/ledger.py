"""What exists at the provider."""

import time
from collections.abc import Iterator
from typing import Any

from tests.fakes import ledger
from tests.fakes.ledger import digest

KINDS = ("organizations", "users", "credentials", "chosen-credentials")
CREDENTIALS = ("credentials", "chosen-credentials")


class Truth(ledger.Truth):
    kinds = KINDS

    def accepts(self, secret: str) -> bool:
        """Whether a gateway would let this secret in now."""
        wanted = digest(secret)
        return any(thing["digest"] == wanted and not _expired(thing) for _, _, thing in self.credentials())

    def credentials(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Kind, id and object of each living credential."""
        for kind in CREDENTIALS:
            for id, thing in self.alive[kind].items():
                yield kind, id, thing


def _expired(thing: dict[str, Any]) -> bool:
    return thing["expires_at"] is not None and float(thing["expires_at"]) <= time.time()
