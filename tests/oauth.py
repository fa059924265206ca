"""Keys that are OAuth clients: the Auth0 plugin, enabled with nobody at the other end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from portal.core.clock import now
from portal.core.plugins import registry, set_registry
from portal.models import IssuedKey, Membership, ProviderAccount
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from provisioning.registry import Registry
from provisioning.testing import make_toolbox

PUBLIC = {
    "client_id": "AbC123", "token_url": "https://acme.eu.auth0.com/oauth/token",
    "audience": "https://api.example.com/",
}  # fmt: skip
SETTINGS = {
    "PLUGIN_AUTH0_M2M_DOMAIN": "acme.eu.auth0.com", "PLUGIN_AUTH0_M2M_CLIENT_ID": "portal",
    "PLUGIN_AUTH0_M2M_CLIENT_SECRET": "unused-secret", "PLUGIN_AUTH0_M2M_API_AUDIENCE": PUBLIC["audience"],
}  # fmt: skip


@contextmanager
def auth0_enabled(**settings: str) -> Iterator[None]:
    """The plugin beside those that are enabled; its tokens live 24 hours unless ``settings`` say otherwise."""
    before = registry()
    config = {**SETTINGS, **settings}
    others = [plugin for plugin in before if plugin.slug != Auth0M2mPlugin.slug]
    set_registry(Registry([*others, Auth0M2mPlugin.from_config(config.get, make_toolbox())]))
    yield
    set_registry(before)


def provisioned(owner: Membership, *, organization: str = "org_AcMe1") -> None:
    """The customer and its owner are known at Auth0, as provisioning leaves them."""
    user = f"auth0|{owner.user.public_id}"
    accounts = [("organization", None, organization)]
    accounts += [(kind, owner.user, user) for kind in ("user", "membership", "app_metadata")]
    for kind, person, external_id in reversed(accounts):
        ProviderAccount.objects.create(
            plugin="auth0-m2m", customer=owner.customer, user=person, kind=kind, external_id=external_id,
            state="ready",
        )  # fmt: skip


def oauth_key(owner: Membership, **fields: Any) -> IssuedKey:
    """A key of ``owner`` at Auth0, active unless ``fields`` say otherwise; its secret was fetched."""
    number = IssuedKey.objects.count()
    values = {
        "customer": owner.customer, "user": owner.user, "name": "test", "plugin": "auth0-m2m",
        "status": "active", "activated_at": now() - timedelta(days=1), "external_id": PUBLIC["client_id"],
        "fingerprint": f"oauth {number}", "public": PUBLIC, "prefix": "secret__", "last4": "cret",
        "revealed_at": now() - timedelta(hours=1),
    }  # fmt: skip
    return IssuedKey.objects.create(**{**values, **fields})
