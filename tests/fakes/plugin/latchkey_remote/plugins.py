"""``remote`` gets secrets that are shown once; ``remote-chosen`` chooses them and repeats a PUT."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Self

from latchkey_remote.client import NotThere, RemoteClient
from latchkey_remote.config import RemoteConfig
from provisioning.config import GetConfig
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
from provisioning.errors import ProvisioningError
from provisioning.secret import Secret


class _Accounts:
    """What both plugins share: organizations and users, and keys told apart by their tags."""

    slug: ClassVar[str]
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    keys: ClassVar[str]
    """The API's path of this plugin's kind of credential."""

    def __init__(self, config: RemoteConfig, toolbox: Toolbox) -> None:
        self.default_lifetime: timedelta | None = None
        self._portal = toolbox.base_url
        # Two plugins at one provider are two tenants there: each has organizations of its own.
        self._tenant = {"portal": toolbox.base_url, "plugin": self.slug}
        self._client = RemoteClient(config, toolbox.rates, f"{self.slug} calls")

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        return cls(RemoteConfig.from_config(get_config), toolbox)

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        organization = self._find_organization(customer_id)
        found = self._find_user(organization.id, email) if organization else None
        return RemoteUser(found.id, email, organization.id) if organization and found else None

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        organization = calls.ensure(
            "organization",
            create=lambda: self._create_organization(customer_id),
            find=lambda: self._find_organization(customer_id),
            account="organization",
        ).id
        user = calls.ensure(
            f"user-{sha256(email.encode()).hexdigest()[:16]}",
            create=lambda: self._create_user(organization, email),
            find=lambda: self._find_user(organization, email),
            account="user",
            personal=True,
        ).id
        return RemoteUser(user, email, organization)

    def find(self, customer_id: str, marker: str) -> Resource | None:
        found = self._client.list(self.keys, tag_marker=marker, tag_portal=self._portal)
        return next((Resource(item["id"]) for item in found), None)

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        id = key.external_id
        if not id:  # it was revoked before its id was known
            found = self.find(customer_id, key.marker)
            if found is None:
                return
            id = found.id
        try:
            self._client.call("DELETE", f"{self.keys}/{id}")
        except NotThere:
            return

    def list(self) -> Iterator[KeyRef]:
        for item in self._client.list(self.keys, tag_portal=self._portal):
            tags = item["tags"]
            yield KeyRef(tags["marker"], tags["key"], item["id"], tags["customer"])

    def check(self) -> Sequence[Problem]:
        try:
            self._client.call("GET", "/v1/status")
        except ProvisioningError as exc:
            return [Problem(exc.code, exc.detail)]
        return []

    def _body(self, customer_id: str, user: RemoteUser, request: KeyRequest) -> dict[str, Any]:
        """What both kinds of credential are created with; the same at every attempt."""
        tags = {
            "marker": request.marker, "key": request.key_id,
            "customer": customer_id, "portal": self._portal,
        }  # fmt: skip
        body = {
            "organization": user.organization_id, "user": user.id, "name": request.name,
            "scopes": list(request.scopes), "tags": tags,
        }  # fmt: skip
        if request.expires_in is not None:
            body["lifetime_seconds"] = int(request.expires_in.total_seconds())
        return body

    def _created(self, id: str, secret: Secret, request: KeyRequest) -> CreatedKey:
        """The credential with its expiry, which the provider fixed when it was created."""
        expires_at = None
        if request.expires_in is not None:
            seconds = self._client.call("GET", f"{self.keys}/{id}")["expires_at"]
            expires_at = datetime.fromtimestamp(seconds, UTC)
        return CreatedKey(secret, id, expires_at)

    def _create_organization(self, customer_id: str) -> Resource:
        body = {"name": customer_id, "tags": {"customer": customer_id, **self._tenant}}
        return Resource(self._client.call("POST", "/v1/organizations", body)["id"])

    def _find_organization(self, customer_id: str) -> Resource | None:
        tags = {f"tag_{name}": value for name, value in self._tenant.items()}
        found = self._client.list("/v1/organizations", tag_customer=customer_id, **tags)
        return next((Resource(item["id"]) for item in found), None)

    def _create_user(self, organization: str, email: str) -> Resource:
        body = {"organization": organization, "email": email, "tags": self._tenant}
        return Resource(self._client.call("POST", "/v1/users", body)["id"])

    def _find_user(self, organization: str, email: str) -> Resource | None:
        found = self._client.list("/v1/users", organization=organization, email=email)
        return next((Resource(item["id"]) for item in found), None)


class RemotePlugin(_Accounts):
    """The provider makes the secret and shows it once: one that was lost is replaced."""

    slug: ClassVar[str] = "remote"
    keys: ClassVar[str] = "/v1/credentials"

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        user = self.provision_user(customer_id, email, request.subscription_id, calls=calls)
        body = self._body(customer_id, user, request)

        def create() -> Resource:
            made = self._client.call("POST", self.keys, body)
            return Resource(made["id"], Secret(made["secret"]))

        resource = calls.ensure(
            "key",
            create=create,
            find=lambda: self.find(customer_id, request.marker),
            renew=self._new_secret,
        )
        assert resource.secret is not None  # a lost one was renewed
        return self._created(resource.id, resource.secret, request)

    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        return self._new_secret(key.external_id)

    def _new_secret(self, id: str) -> Secret:
        return Secret(self._client.call("POST", f"{self.keys}/{id}/rotate")["secret"])


class RemoteChosenPlugin(_Accounts):
    """We choose id and secret, so that repeating the request gives the same credential."""

    slug: ClassVar[str] = "remote-chosen"
    keys: ClassVar[str] = "/v1/chosen-credentials"

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        user = self.provision_user(customer_id, email, request.subscription_id, calls=calls)
        secret = calls.choose("secret", lambda: Secret(f"rc_{secrets.token_urlsafe(24)}"))
        body = {**self._body(customer_id, user, request), "secret": secret.reveal()}

        def put() -> Resource:
            return Resource(self._client.call("PUT", f"{self.keys}/{request.marker}", body)["id"])

        resource = calls.ensure("key", create=put, find=put)
        return self._created(resource.id, secret, request)
