"""What each kind of operation does at its plugin. No transaction is open while a plugin runs."""

from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from portal.core.plugins import registry
from portal.jobs.ledger import DatabaseCalls
from portal.models import IssuedKey, Operation, Subscription
from portal.services.data_keys import data_key
from portal.services.keys.activate import SigningKeyChanged, activate_key
from portal.services.keys.revoke import finish_revocation
from portal.services.operations import fenced, finish
from provisioning.contract import KeyRef, KeyRequest, Plugin, Revokes
from provisioning.errors import Misconfigured, Transient
from provisioning.registry import UnknownPlugin
from tokens.status_list import position


def marker(key: IssuedKey) -> str:
    """The key's id as names and tags at providers may carry it."""
    return key.public_id.replace("_", "-").lower()


def plugin_of(operation: Operation) -> Plugin:
    try:
        return registry().get(operation.plugin)
    except UnknownPlugin as exc:
        raise Misconfigured(
            "plugin_not_enabled", f"The plugin {operation.plugin} is not in PLUGIN_APIM_PROVIDER any more."
        ) from exc


def issue_key(operation: Operation) -> None:
    """Create the credential and activate the key; signs anew when the signing key was rotated."""
    plugin, key = plugin_of(operation), operation.key
    if key is None or key.user is None:
        raise Misconfigured("user_gone", "The key's user was deleted before the key was created.")
    request = _request_of(key)
    for _ in range(3):
        created = plugin.create_api_key(
            key.customer.external_id, key.user.email, request=request, calls=DatabaseCalls(operation)
        )
        try:
            return activate_key(operation, plugin, created)
        except SigningKeyChanged:
            continue
    raise Transient("signing_key_changed", "The signing key changes too fast.")


def _request_of(key: IssuedKey) -> KeyRequest:
    assert key.user is not None
    place = position(key.status_sequence, data_key("status-index"))
    uri = f"{settings.PORTAL_BASE_URL}/.well-known/status-lists/{place.list_id}"
    return KeyRequest(
        marker=marker(key),
        key_id=key.public_id,
        user_id=key.user.public_id,
        name=key.name,
        scopes=tuple(key.scopes),
        expires_in=key.lifetime,
        subscription_id=key.subscription.external_id or None if key.subscription else None,
        claims={"status": {"status_list": {"idx": place.index, "uri": uri}}},
    )


def revoke_key(operation: Operation) -> None:
    plugin, key = plugin_of(operation), operation.key
    assert key is not None
    if key.external_id:
        if not isinstance(plugin, Revokes):
            raise Misconfigured(
                "revoke_unsupported",
                f"The plugin {plugin.slug} can't revoke. Delete {key.external_id} by hand.",
            )
        plugin.revoke(key.customer.external_id, KeyRef(marker(key), key.public_id, key.external_id))
    finish_revocation(operation)


def provision(operation: Operation) -> None:
    plugin, customer, user = plugin_of(operation), operation.customer, operation.user
    if user is None:
        raise Misconfigured("user_gone", "The user was deleted before being provisioned.")
    live = Subscription.objects.filter(customer=customer).live().order_by("-id").first()
    plugin.provision_user(
        customer.external_id,
        user.email,
        live.external_id or None if live else None,
        calls=DatabaseCalls(operation),
    )
    with transaction.atomic():
        finish(fenced(operation), Operation.State.SUCCEEDED)


HANDLERS: dict[str, Callable[[Operation], None]] = {
    Operation.Kind.ISSUE_KEY: issue_key,
    Operation.Kind.REVOKE_KEY: revoke_key,
    Operation.Kind.PROVISION: provision,
}
