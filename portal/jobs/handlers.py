"""What each kind of operation does at its plugin. No transaction is open while a plugin runs."""

from collections.abc import Callable

from django.db import transaction

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.well_known import status_list_uri
from portal.jobs.ledger import DatabaseCalls, settle_of
from portal.jobs.plugins import plugin_of
from portal.jobs.withdrawal import made_by, plugin_can_revoke, remove_what_was_made
from portal.models import IssuedKey, Operation, Subscription
from portal.services.data_keys import data_key
from portal.services.keys.activate import SigningKeyChanged, activate_key
from portal.services.keys.revoke import begin_revocation, finish_revocation, finish_withdrawal
from portal.services.operations.run import fenced, finish, postpone, stop_creating
from provisioning.contract import KeyRef, KeyRequest, Plugin
from provisioning.errors import Misconfigured, Rejected, Transient
from tokens.status_list import position


def issue_key(operation: Operation) -> None:
    """Create the credential and activate the key; signs anew when the signing key was rotated.

    What a cancelled operation, or one that is refused halfway, has created is removed again.
    """
    if operation.cancel_requested:
        remove_what_was_made(operation)
        finish_withdrawal(operation)
        return
    try:
        _create_and_activate(operation)
    except Rejected as exc:
        if made_by(operation):
            stop_creating(operation, exc)  # from now on, whatever happens, it only removes
            _remove_after_refusal(operation)
        raise


def _remove_after_refusal(operation: Operation) -> None:
    try:
        remove_what_was_made(operation)
    except Rejected as exc:  # it is there still, so this is no end
        raise Misconfigured(exc.code, exc.detail) from exc


def _create_and_activate(operation: Operation) -> None:
    plugin, key = plugin_of(operation), operation.key
    if key is None or key.user is None:
        raise Misconfigured("user_gone", "The key's user was deleted before the key was created.")
    request, calls = _request_of(key), _calls(operation, plugin)
    for _ in range(3):
        created = plugin.create_api_key(
            key.customer.external_id, key.user.email, request=request, calls=calls
        )
        failpoint("key.created")
        try:
            return activate_key(operation, plugin, created)
        except SigningKeyChanged:
            continue
    raise Transient("signing_key_changed", "The signing key changes too fast.")


def _calls(operation: Operation, plugin: Plugin) -> DatabaseCalls:
    return DatabaseCalls(operation, settle=settle_of(plugin))


def _request_of(key: IssuedKey) -> KeyRequest:
    assert key.user is not None
    place = position(key.status_sequence, data_key("status-index"))
    return KeyRequest(
        marker=key.marker,
        key_id=key.public_id,
        user_id=key.user.public_id,
        name=key.name,
        scopes=tuple(key.scopes),
        expires_in=key.lifetime,
        subscription_id=key.subscription.external_id or None if key.subscription else None,
        claims={"status": {"status_list": {"idx": place.index, "uri": status_list_uri(place.list_id)}}},
    )


def revoke_key(operation: Operation) -> None:
    """Remove the credential at the provider and end the key; not before its overlap is over."""
    key = operation.key
    assert key is not None
    if key.status == IssuedKey.Status.ACTIVE:
        if key.retires_at is not None and key.retires_at > now():
            postpone(operation, until=key.retires_at)
            return
        begin_revocation(operation)
    if key.external_id:
        _revoke_credential(operation, key)
    finish_revocation(operation)


def _revoke_credential(operation: Operation, key: IssuedKey) -> None:
    """Where the plugin can't, a person's word that it is gone is enough."""
    try:
        plugin = plugin_can_revoke(plugin_of(operation), key)
        plugin.revoke(key.customer.external_id, KeyRef(key.marker, key.public_id, key.external_id))
    except (Misconfigured, Rejected):
        if not operation.confirmed_absent:
            raise
    failpoint("credential.revoked")


def provision(operation: Operation) -> None:
    """Make the person known at the plugin; nothing is left to remove when that was cancelled."""
    end = Operation.State.CANCELLED
    if not operation.cancel_requested:
        _provision_user(operation)
        end = Operation.State.SUCCEEDED
    with transaction.atomic():
        finish(fenced(operation), end)


def _provision_user(operation: Operation) -> None:
    plugin, customer, user = plugin_of(operation), operation.customer, operation.user
    if user is None:
        raise Misconfigured("user_gone", "The user was deleted before being provisioned.")
    live = Subscription.objects.filter(customer=customer).live().order_by("-id").first()
    subscription_id = live.external_id or None if live else None
    plugin.provision_user(customer.external_id, user.email, subscription_id, calls=_calls(operation, plugin))
    failpoint("user.provisioned")


HANDLERS: dict[str, Callable[[Operation], None]] = {
    Operation.Kind.ISSUE_KEY: issue_key,
    Operation.Kind.REVOKE_KEY: revoke_key,
    Operation.Kind.PROVISION: provision,
}
