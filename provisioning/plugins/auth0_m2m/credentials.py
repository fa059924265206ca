"""A credential at Auth0: an application, its grant for the API, and the grant's place in the organization."""

from collections.abc import Iterator
from typing import Any

from provisioning.contract import KeyRef, KeyRequest, Resource
from provisioning.errors import Misconfigured, Rejected
from provisioning.plugins.auth0_m2m.api import PAGE, ManagementApi
from provisioning.plugins.auth0_m2m.errors import AlreadyThere, LimitReached, NotThere, unusable
from provisioning.plugins.auth0_m2m.limits import Kind
from provisioning.secret import Secret

_FIELDS = "client_id,name,client_metadata"
LONGEST_DESCRIPTION = 140


def application_name(marker: str) -> str:
    """What a request's application is called in Auth0's dashboard. Auth0 lets names repeat; these don't."""
    return f"Latchkey {marker}"


class Credentials:
    """``portal`` marks what this portal made; ``audience`` is the API that customers' tokens are for."""

    def __init__(self, api: ManagementApi, *, portal: str, audience: str) -> None:
        self._api, self._portal, self._audience = api, portal, audience

    def create(self, customer_id: str, organization_id: str, request: KeyRequest) -> Resource:
        """The application. It gets tokens for its organization alone, and without asking for one."""
        made = self._api.write(
            Kind.OTHER,
            "create:clients",
            lambda sdk: sdk.clients.create(
                name=application_name(request.marker),
                description=request.name[:LONGEST_DESCRIPTION],
                app_type="non_interactive",
                is_first_party=True,
                grant_types=["client_credentials"],
                default_organization={"organization_id": organization_id, "flows": ["client_credentials"]},
                organization_usage="require",
                client_metadata={
                    "customer": customer_id,
                    "key": request.key_id,
                    "marker": request.marker,
                    "portal": self._portal,
                },
            ),
        )
        if not made.get("client_id") or not made.get("client_secret"):
            raise unusable(write=True)
        return Resource(made["client_id"], Secret(made["client_secret"]))

    def find(self, marker: str) -> Resource | None:
        """The application of a request. Raises ``MissingScope`` when we may not look."""
        for _ in range(2):
            pages = 0
            for items in self._pages():
                pages += 1
                for item in items:
                    tags = item.get("client_metadata") or {}
                    if tags.get("marker") == marker or item.get("name") == application_name(marker):
                        return Resource(item["client_id"])
            if pages <= 1:
                break
            # Had others been deleted meanwhile, what followed them had moved to a page already read.
        return None

    def all_of_ours(self) -> Iterator[KeyRef]:
        """Every application that carries this portal's mark. Raises ``MissingScope`` when we may not look."""
        for items in self._pages():
            for item in items:
                tags = item.get("client_metadata") or {}
                if tags.get("portal") == self._portal and tags.get("marker"):
                    ids = tags.get("key", ""), item["client_id"], tags.get("customer", "")
                    yield KeyRef(tags["marker"], *ids)

    def grant(self, client_id: str, scopes: tuple[str, ...]) -> Resource:
        """Let the application ask for tokens for the API, only within an organization."""
        try:
            made = self._api.write(
                Kind.OTHER,
                "create:client_grants",
                lambda sdk: sdk.client_grants.create(
                    client_id=client_id,
                    audience=self._audience,
                    scope=list(scopes),
                    organization_usage="require",
                    allow_any_organization=False,
                ),
            )
        except AlreadyThere:
            return self._conflicting_grant(client_id)
        except Rejected as exc:
            raise Misconfigured(
                "auth0_api_refused",
                "Auth0 grants no access to the API: does PLUGIN_AUTH0_M2M_API_AUDIENCE name an API of the "
                "tenant that has every scope of PLUGIN_AUTH0_M2M_API_SCOPE? Mend it, then retry. Should the "
                f"application {client_id} be gone in Auth0, retry with confirm_absent.",
            ) from exc
        return Resource(made["id"])

    def _conflicting_grant(self, client_id: str) -> Resource:
        found = self.find_grant(client_id)
        if found is None:
            raise unusable(write=True)
        return found

    def find_grant(self, client_id: str) -> Resource | None:
        """The application's grant for the API. Raises ``MissingScope`` when we may not look."""
        found = self._api.read_list(
            Kind.OTHER,
            "read:client_grants",
            lambda sdk: sdk.client_grants.list(client_id=client_id, audience=self._audience),
        )
        asked = client_id, self._audience
        same = [grant for grant in found if (grant.get("client_id"), grant.get("audience")) == asked]
        return Resource(same[0]["id"]) if same else None

    def associate(self, organization_id: str, grant_id: str) -> Resource:
        """Let the grant count in the organization. Repeating it changes nothing."""
        try:
            self._api.write(
                Kind.ORGANIZATION_GRANT,
                "create:organization_client_grants",
                lambda sdk: sdk.organizations.client_grants.create(organization_id, grant_id=grant_id),
            )
        except AlreadyThere:
            return Resource(grant_id)
        except LimitReached:
            raise Rejected(
                "auth0_organization_full",
                "Auth0 lets this customer's organization have no further key (100 is its limit). What this "
                "request had made is removed. Revoke keys that nobody needs, then ask again.",
            ) from None
        return Resource(grant_id)

    def new_secret(self, client_id: str) -> Secret:
        """Replace the secret; the former one ends. Raises ``NotThere`` for an application that is gone."""
        told = self._api.write(
            Kind.OTHER, "update:client_keys", lambda sdk: sdk.clients.rotate_secret(client_id)
        )
        if not told.get("client_secret"):
            raise unusable(write=True)
        return Secret(told["client_secret"])

    def delete(self, client_id: str) -> None:
        """Delete the application, and with it its grants. One that is gone is no error."""
        try:
            self._api.write(Kind.OTHER, "delete:clients", lambda sdk: sdk.clients.delete(client_id))
        except NotThere:
            return

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        return self._api.pages(
            Kind.CLIENT_READ,
            "read:clients",
            lambda sdk, page: sdk.clients.list(
                page=page,
                per_page=PAGE,
                app_type="non_interactive",
                fields=_FIELDS,
                include_fields=True,
            ),
        )
