"""A small remote provider in memory and a plugin for it that keeps every rule of the contract."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import ClassVar, Self

from provisioning.config import GetConfig, text
from provisioning.contract import (
    Calls,
    CreatedKey,
    KeyRef,
    KeyRequest,
    Problem,
    RemoteUser,
    Resource,
    Toolbox,
)
from provisioning.errors import OutcomeUnknown
from provisioning.secret import Secret

ADMIN_TOKEN = "acme-admin-token-5f2c"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class AcmeKey:
    id: str
    customer: str
    marker: str
    secret: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass
class AcmeProvider:
    """Creates whatever it is told to: only its clients can keep things from doubling."""

    keys: dict[str, AcmeKey] = field(default_factory=dict)
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    fault: Exception | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_key(
        self, customer: str, marker: str, scopes: tuple[str, ...], expires_in: timedelta | None
    ) -> AcmeKey:
        self._answer()
        number = next(self._numbers)
        expires_at = None if expires_in is None else NOW + expires_in
        key = AcmeKey(f"k{number}", customer, marker, f"acme-secret-{number:06}", scopes, expires_at)
        self.keys[key.id] = key
        return key

    def new_secret(self, key_id: str) -> str:
        self._answer()
        self.keys[key_id].secret = f"acme-secret-{next(self._numbers):06}"
        return self.keys[key_id].secret

    def new_user(self, customer: str, email: str) -> str:
        self._answer()
        user = f"u{next(self._numbers)}"
        self.users[user] = (customer, email)
        return user

    def delete_key(self, key_id: str) -> None:
        self._answer()
        self.keys.pop(key_id, None)

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault

    @contextmanager
    def failing(self, fault: Exception) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None


class AcmePlugin:
    slug: ClassVar[str] = "acme"
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    provider: ClassVar[AcmeProvider] = AcmeProvider()

    def __init__(self, token: Secret) -> None:
        self.token = token
        self.default_lifetime: timedelta | None = None

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        return cls(Secret(text(get_config, "PLUGIN_ACME_TOKEN")))

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        for user, owner in self.provider.users.items():
            if owner == (customer_id, email):
                return RemoteUser(user, email, customer_id)
        return None

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        def find() -> Resource | None:
            user = self.get_user(customer_id, email)
            return Resource(user.id) if user else None

        step = f"user-{sha256(email.encode()).hexdigest()[:16]}"
        user = calls.ensure(
            step,
            create=lambda: self._remote_user(customer_id, email),
            find=find,
            account="user",
            personal=True,
        )
        return RemoteUser(user.id, email, customer_id)

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        def create() -> Resource:
            key = self._remote_key(customer_id, request)
            return Resource(key.id, Secret(key.secret))

        self.provision_user(customer_id, email, request.subscription_id, calls=calls)
        resource = calls.ensure(
            "key",
            create=create,
            find=lambda: self.find(customer_id, request.marker),
            renew=self._new_secret,
        )
        assert resource.secret is not None  # made or renewed
        return CreatedKey(resource.secret, resource.id, self.provider.keys[resource.id].expires_at)

    def _remote_key(self, customer_id: str, request: KeyRequest) -> AcmeKey:
        with self._edge():
            return self.provider.new_key(customer_id, request.marker, request.scopes, request.expires_in)

    def _remote_user(self, customer_id: str, email: str) -> Resource:
        with self._edge():
            return Resource(self.provider.new_user(customer_id, email))

    @contextmanager
    def _edge(self) -> Iterator[None]:
        """Where the provider's errors become ours, without its words."""
        try:
            yield
        except ConnectionError:
            raise OutcomeUnknown("acme_unreachable", "Acme did not answer.") from None

    def find(self, customer_id: str, marker: str) -> Resource | None:
        found = [key.id for key in self.provider.keys.values() if key.marker == marker]
        return Resource(found[0]) if found else None

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        self.provider.delete_key(key.external_id)

    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        return self._new_secret(key.external_id)

    def _new_secret(self, key_id: str) -> Secret:
        with self._edge():
            return Secret(self.provider.new_secret(key_id))

    def list(self) -> Iterator[KeyRef]:
        for key in self.provider.keys.values():
            yield KeyRef(key.marker, "", key.id)

    def check(self) -> Sequence[Problem]:
        return []
