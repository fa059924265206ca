"""What the portal lends a plugin, in memory."""

from collections.abc import Callable
from datetime import UTC, datetime

from provisioning.contract import SigningKey, Toolbox
from provisioning.errors import Misconfigured


class FixedSigner:
    """Always the same signing key; without one, ``Misconfigured`` as the portal would raise."""

    def __init__(self, signing_key: SigningKey | None = None) -> None:
        self.signing_key = signing_key

    def current(self) -> SigningKey:
        if self.signing_key is None:
            raise Misconfigured("no_signing_key", "There is no active signing key.")
        return self.signing_key


def make_toolbox(
    signing_key: SigningKey | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    base_url: str = "https://portal.example.com",
) -> Toolbox:
    return Toolbox(now=now, signer=FixedSigner(signing_key), base_url=base_url)
