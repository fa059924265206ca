"""What a plugin's author supplies to the suite, and how the suite issues a key."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

import pytest

from provisioning.contract import CreatedKey, KeyRequest, Plugin
from provisioning.secret import Secret
from provisioning.testing.ledger import MemoryLedger

EMAIL = "ann.smith@example.com"


class PluginHooks:
    """Supply ``make_plugin``, and for a plugin that is not ``local`` also ``credentials`` and ``users``.

    The other hooks sharpen the suite; what they leave open is skipped with the reason.
    """

    scopes: ClassVar[tuple[str, ...]] = ("orders:read", "orders:write")
    """Two scopes that the provider knows."""

    def make_plugin(self) -> Plugin:
        """A new plugin object on the same provider, as after a restart."""
        raise NotImplementedError("the suite needs make_plugin()")

    def credentials(self) -> list[str]:
        """The provider's ids of all credentials that are alive there, asked at the provider itself."""
        raise NotImplementedError("a plugin that is not local needs credentials()")

    def users(self) -> list[str] | None:
        """The provider's ids of all users there; None when it has no such thing."""
        raise NotImplementedError("a plugin that is not local needs users()")

    def accepts(self, secret: Secret) -> bool | None:
        """Whether the provider lets this secret in now; None when that can't be told."""
        return None

    def granted_scopes(self, created: CreatedKey) -> frozenset[str] | None:
        """The scopes of the credential as the provider knows them; None when it has none."""
        return None

    def faults(self) -> Mapping[str, AbstractContextManager[object]]:
        """Named contexts within which the provider fails: refuses, resets, answers nonsense."""
        return {}

    def secrets(self) -> list[str]:
        """What must never be shown besides created secrets: the plugin's own passwords and tokens."""
        return []

    # How the suite uses them

    def _issue(
        self, request: KeyRequest, ledger: MemoryLedger, customer: str, email: str = EMAIL
    ) -> CreatedKey:
        """One attempt in a new process, as the portal makes it: with no provisioning before it."""
        calls = ledger.calls(customer, request.marker)
        return self.make_plugin().create_api_key(customer, email, request=request, calls=calls)

    def _alive(self) -> list[str]:
        """``credentials()``, or nothing for a local plugin, which keeps none anywhere."""
        return [] if self.make_plugin().local else self.credentials()

    def _needs_provider(self) -> None:
        if self.make_plugin().local:
            pytest.skip("a local plugin keeps nothing at a provider that a crash could lose or double")


def new_customer() -> str:
    return f"suite-{uuid4().hex[:12]}"


def new_email() -> str:
    """Of a person nobody has seen: some providers know people across customers."""
    return f"ann.{uuid4().hex[:12]}@example.com"


def new_request(*, scopes: tuple[str, ...] = (), expires_in: timedelta | None = None) -> KeyRequest:
    tag = uuid4().hex[:12]
    return KeyRequest(
        marker=f"suite-{tag}", key_id=f"key_{tag}", user_id=f"usr_{tag}", name="Contract suite",
        scopes=scopes, expires_in=expires_in,
    )  # fmt: skip


def added(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """What is in ``after`` and not in ``before``, sorted, repetitions kept."""
    known = set(before)
    return sorted(item for item in after if item not in known)
