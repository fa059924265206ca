"""Starting the provider, steering it, and reading what it knows to be true."""

import secrets
from pathlib import Path

from tests.fakes.ledger import read
from tests.fakes.process import FakeProcess
from tests.fakes.provider.ledger import Truth


class ProviderProcess(FakeProcess):
    """The provider as a process of its own, its ledger in ``folder``; ended by leaving the context."""

    def __init__(self, folder: Path) -> None:
        self.ledger = folder / "provider.ledger"
        self.token = f"admin-{secrets.token_hex(12)}"
        super().__init__(
            "tests.fakes.provider", str(self.ledger),
            control_token=self.token, FAKE_PROVIDER_TOKEN=self.token,
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables for a portal that is to use it."""
        return {"PLUGIN_REMOTE_URL": self.url, "PLUGIN_REMOTE_TOKEN": self.token}

    def add_stray(self, portal_url: str) -> None:
        """A credential that carries the portal's tags, and that the portal knows nothing of."""
        tags = {"marker": "stray", "key": "key_stray", "customer": "ext-stray", "portal": portal_url}
        body = {"organization": "o", "user": "u", "name": "stray", "scopes": [], "tags": tags}
        self._call("POST", "/v1/credentials", body)

    def accepts(self, secret: str) -> bool:
        """Whether a gateway would let this secret in now."""
        return bool(self._call("POST", "/v1/accepts", {"secret": secret})["accepted"])

    def truth(self) -> Truth:
        return read(self.ledger, Truth())
