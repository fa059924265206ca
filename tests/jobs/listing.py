"""A remote plugin in memory that can look things up and list them, and fails as told."""

from collections.abc import Iterator

import pytest

from portal.core.plugins import registry, set_registry
from provisioning.contract import (
    Calls,
    CreatedKey,
    KeyRef,
    KeyRequest,
    RemoteUser,
    Resource,
)
from provisioning.errors import OutcomeUnknown
from provisioning.registry import Registry
from provisioning.secret import Secret


class Listing:
    """``there`` is the provider: credential ids and the markers they carry."""

    slug, contract_version, local, default_lifetime = "remote", 1, False, None

    def __init__(self) -> None:
        self.there: dict[str, str] = {}
        self.lose_answers = 0
        self.refusals: list[Exception] = []
        self.made = 0

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        return None

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        user = calls.ensure(
            "user", create=lambda: Resource(f"user of {email}"), account="user", personal=True
        )
        return RemoteUser(user.id, email)

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        secret = calls.choose("secret", lambda: Secret(f"secret number {request.marker} of ours"))

        def create() -> Resource:
            self._answer()
            self.made += 1
            id = f"cred-{self.made}"
            self.there[id] = request.marker
            if self.lose_answers:
                self.lose_answers -= 1
                raise OutcomeUnknown("reset", "The connection was reset.")
            return Resource(id)

        made = calls.ensure("key", create=create, find=lambda: self.find(customer_id, request.marker))
        return CreatedKey(secret, made.id)

    def find(self, customer_id: str, marker: str) -> Resource | None:
        return next((Resource(id) for id, found in self.there.items() if found == marker), None)

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        self._answer()
        self.there.pop(key.external_id, None)

    def list(self) -> Iterator[KeyRef]:
        yield from [KeyRef(marker, "", id) for id, marker in self.there.items()]

    def _answer(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)


@pytest.fixture
def provider() -> Iterator[Listing]:
    before, plugin = registry(), Listing()
    set_registry(Registry([plugin]))  # type: ignore[list-item]  # made of instances' attributes
    yield plugin
    set_registry(before)
