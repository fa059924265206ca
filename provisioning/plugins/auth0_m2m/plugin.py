"""The plugin ``auth0-m2m``: each key is an OAuth client that gets tokens for one customer.

Source: Auth0 Management API v2, Machine-to-Machine Access for Organizations.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, Self

import httpx

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
from provisioning.errors import Misconfigured, ProvisioningError, Rejected, Transient
from provisioning.http import make_client
from provisioning.plugins.auth0_m2m.accounts import Accounts
from provisioning.plugins.auth0_m2m.api import ManagementApi
from provisioning.plugins.auth0_m2m.config import Auth0Config
from provisioning.plugins.auth0_m2m.credentials import Credentials, application_name
from provisioning.plugins.auth0_m2m.errors import MissingScope, NotThere
from provisioning.plugins.auth0_m2m.permissions import missing
from provisioning.plugins.auth0_m2m.tokens import TokenSource
from provisioning.secret import Secret

CONNECT, TOTAL = timedelta(seconds=3), timedelta(seconds=10)
_AGAIN = timedelta(seconds=1)


class SecretLost(Misconfigured):
    """The application is there, its secret was never heard and can't be replaced."""

    def __init__(self, client_id: str) -> None:
        super().__init__("auth0_secret_lost")
        self.client_id = client_id


class Auth0M2mPlugin:
    """Suffices with the seed document's ten permissions; what needs more says so when it is asked for."""

    slug: ClassVar[str] = "auth0-m2m"
    label: ClassVar[str] = "OAuth client"
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = False

    def __init__(self, config: Auth0Config, toolbox: Toolbox, http: httpx.Client) -> None:
        self.default_lifetime: timedelta | None = None
        self.offered_scopes = config.scopes
        self.token_lifetime = config.token_lifetime
        self._config, self._now = config, toolbox.now
        self._tokens = TokenSource(config, http, toolbox.rates)
        self._api = ManagementApi(config, http, self._tokens, toolbox.rates)
        self._accounts = Accounts(self._api, portal=toolbox.base_url, connection=config.connection)
        self._credentials = Credentials(self._api, portal=toolbox.base_url, audience=config.audience)

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        return cls(Auth0Config.from_config(get_config), toolbox, make_client(connect=CONNECT, total=TOTAL))

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        return self._accounts.find(customer_id, email)

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        self._api.prepare()
        user = self._accounts.ensure(customer_id, email, calls)
        self._accounts.renew(customer_id, user, subscription_id, calls)
        return user

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        self._check_scopes(request)
        self._api.prepare()
        user = self._accounts.ensure(customer_id, email, calls)
        self._accounts.describe(customer_id, user, request.subscription_id, calls)
        organization = user.organization_id or ""
        with self._in_organization(organization, calls):
            client = self._client(customer_id, organization, request, calls)
        grant = self._grant(client.id, request, calls)
        with self._in_organization(organization, calls):

            def associate() -> Resource:
                return self._credentials.associate(organization, grant.id)

            calls.ensure("association", create=associate, find=associate)
        assert client.secret is not None  # created, kept or renewed
        public = {
            "client_id": client.id, "token_url": self._config.token_url, "audience": self._config.audience,
        }  # fmt: skip
        expires_at = self._now() + request.expires_in if request.expires_in else None
        return CreatedKey(client.secret, client.id, expires_at, public=public)

    def called(self, marker: str) -> str:
        return application_name(marker)

    def find(self, customer_id: str, marker: str) -> Resource | None:
        try:
            return self._credentials.find(marker)
        except MissingScope as exc:
            raise Misconfigured(
                "auth0_lookup_not_permitted",
                f"Auth0 may have an application named “{application_name(marker)}”, and the portal may not "
                "look (permission read:clients). Look for exactly that name in Auth0's dashboard and delete "
                "it if it is there; then retry with confirm_absent. Or grant the permission and retry.",
            ) from exc

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        """Delete the application. Tokens fetched before live until they expire: Auth0 can't recall them."""
        self._api.prepare()
        found = Resource(key.external_id) if key.external_id else self.find(customer_id, key.marker)
        if found is None:
            return
        try:
            self._credentials.delete(found.id)
        except MissingScope as exc:
            raise Misconfigured(
                "auth0_revoke_not_permitted",
                f"The portal may not delete applications in Auth0 (permission delete:clients). Delete "
                f"“{application_name(key.marker)}”, client ID {found.id}, in its dashboard, then retry with "
                "confirm_absent. Or grant the permission and retry. Until then it gets new tokens.",
            ) from exc

    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        self._api.prepare()
        return self._credentials.new_secret(key.external_id)

    def list(self) -> Iterator[KeyRef]:
        return self._credentials.all_of_ours()

    def check(self) -> Sequence[Problem]:
        try:
            granted = self._tokens.recent().scopes
        except ProvisioningError as exc:
            return [Problem(exc.code, exc.detail)]
        return list(missing(granted)) if granted is not None else []

    def _check_scopes(self, request: KeyRequest) -> None:
        beyond = [scope for scope in request.scopes if scope not in self.offered_scopes]
        if beyond:
            raise Rejected(
                "auth0_scope_not_offered",
                f"PLUGIN_AUTH0_M2M_API_SCOPE doesn't have {' '.join(beyond)}. Nothing was created.",
            )

    def _client(self, customer_id: str, organization: str, request: KeyRequest, calls: Calls) -> Resource:
        try:
            return calls.ensure(
                "client",
                create=lambda: self._credentials.create(customer_id, organization, request),
                find=lambda: self.find(customer_id, request.marker),
                renew=self._new_secret,
            )
        except SecretLost as exc:
            raise self._start_over(exc.client_id, request, calls) from None

    def _new_secret(self, client_id: str) -> Secret:
        try:
            return self._credentials.new_secret(client_id)
        except (MissingScope, NotThere):
            raise SecretLost(client_id) from None

    def _start_over(self, client_id: str, request: KeyRequest, calls: Calls) -> Transient:
        """Delete the application that nobody can use; the next attempt creates another."""
        self._api.prepare()
        try:
            self._credentials.delete(client_id)
        except MissingScope as exc:
            if self._may_be_there(request.marker):
                raise self._stray(client_id, request, "update:client_keys or delete:clients") from exc
        calls.forget("client")
        told = "The secret was lost on its way; the application was deleted, and another is created."
        return Transient("auth0_secret_lost", told, retry_after=_AGAIN)

    def _may_be_there(self, marker: str) -> bool:
        try:
            return self._credentials.find(marker) is not None
        except MissingScope:
            return True

    def _grant(self, client_id: str, request: KeyRequest, calls: Calls) -> Resource:
        def find() -> Resource | None:
            try:
                return self._credentials.find_grant(client_id)
            except MissingScope:
                self._api.prepare()
                return None  # creating it again tells whether it is there: Auth0 takes no second one

        try:
            return calls.ensure(
                "grant", create=lambda: self._credentials.grant(client_id, request.scopes), find=find
            )
        except MissingScope as exc:
            if exc.scope != "read:client_grants":
                raise
            raise self._stray(client_id, request, exc.scope) from exc

    def _stray(self, client_id: str, request: KeyRequest, permission: str) -> Misconfigured:
        return Misconfigured(
            "auth0_stray_application",
            f"The application “{application_name(request.marker)}”, client ID {client_id}, is half made, and "
            f"the portal may neither finish nor remove it (permission {permission}). Delete it in Auth0's "
            "dashboard, then retry with confirm_absent: another is made.",
        )

    @contextmanager
    def _in_organization(self, organization_id: str, calls: Calls) -> Iterator[None]:
        """Find out whether Auth0 refuses because somebody deleted the organization there."""
        try:
            yield
        except Rejected:
            if not self._accounts.forget_if_gone(organization_id, calls):
                raise
            raise Rejected(
                "auth0_organization_gone",
                "The customer's organization was deleted in Auth0. What this request had made is removed; "
                "ask again, and a new organization is made.",
            ) from None
