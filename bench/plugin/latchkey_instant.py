"""A provider that does nothing at once: what remains of an operation's time is the engine's own.

Each key takes four steps of the call ledger. ``PLUGIN_INSTANT_RATE`` (calls a second) makes the
last of them wait for its turn, as at a provider with a rate limit.
"""

from datetime import timedelta
from typing import ClassVar, Self
from uuid import uuid4

from provisioning.config import GetConfig, text
from provisioning.contract import (
    Calls,
    CreatedKey,
    KeyRef,
    KeyRequest,
    Rate,
    RemoteUser,
    Resource,
    Toolbox,
)
from provisioning.secret import Secret

STEPS = ("organization", "user", "client", "grant")


class InstantPlugin:
    slug: ClassVar[str] = "instant"
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = False

    def __init__(self, toolbox: Toolbox, rate: float) -> None:
        self.default_lifetime: timedelta | None = None
        self._toolbox = toolbox
        self._rate = Rate(rate) if rate else None

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        return cls(toolbox, float(text(get_config, "PLUGIN_INSTANT_RATE", "0")))

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        return None

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        """One call at the provider, under the rate limit."""
        if self._rate:
            self._toolbox.rates.take("instant calls", self._rate)
        return RemoteUser("user", email)

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        for step in STEPS:
            made = calls.ensure(step, create=lambda: Resource(uuid4().hex))
        return CreatedKey(Secret(uuid4().hex), made.id)

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        return None
