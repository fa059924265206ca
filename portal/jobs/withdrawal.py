"""Removing what an operation that is not to go on has created."""

from datetime import timedelta

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.plugins import registry
from portal.jobs.ledger import SETTLE, settle_of, wait_until_settled
from portal.jobs.plugins import plugin_of
from portal.models import Call, IssuedKey, Operation
from provisioning.contract import Finds, KeyRef, Plugin, Revokes
from provisioning.errors import Misconfigured, Transient


def made_by(operation: Operation) -> list[Call]:
    """The calls of this operation alone that created something, or may have."""
    asked = Call.objects.filter(scope=operation.public_id)
    return [call for call in asked if call.resource_id or call.attempt_at]


def remove_what_was_made(operation: Operation) -> None:
    """Remove the operation's credential at the provider, once nothing more of it can land.

    May be repeated. Raises ``Transient`` while that can't be told, ``Misconfigured`` when a person
    has to do it, unless one said that it is done. Nothing to do, and no plugin needed, when no
    request ever left.
    """
    calls, key = made_by(operation), operation.key
    if not calls or key is None:
        return
    try:
        _remove(plugin_of(operation), key, calls)
    except Misconfigured:
        if not operation.confirmed_absent:
            raise


def _remove(plugin: Plugin, key: IssuedKey, calls: list[Call]) -> None:
    settle = settle_of(plugin)
    for call in calls:
        if call.attempt_at:
            wait_until_settled(call, settle)
    if not (isinstance(plugin, Finds) and isinstance(plugin, Revokes)):
        raise Misconfigured(
            "withdrawal_unsupported",
            f"{plugin.slug} can't remove what it may have created. Look there for {key.marker}, delete "
            "it, then retry with confirm_absent.",
        )
    removed = {call.resource_id for call in calls if call.resource_id and call.sealed_secret}
    for id in removed:  # what came with a secret is the credential itself
        _revoke(plugin, key, id)
    try:
        removed |= _remove_by_marker(plugin, plugin, key, removed)
    except Misconfigured:
        if not removed or any(call.attempt_at for call in calls):
            raise  # there may be more, and we may not look
    if not removed and any(call.resource_id for call in calls):
        _trust_absence_only_later(calls, settle)


def _remove_by_marker(finder: Finds, revoker: Revokes, key: IssuedKey, gone: set[str]) -> set[str]:
    """Revoke each credential that carries the key's marker; returns the ids of all."""
    removed = set(gone)
    while (found := finder.find(key.customer.external_id, key.marker)) is not None:
        if found.id in removed:  # a provider that forgets slowly
            raise Transient("still_there", "The provider still shows what was removed.", retry_after=SETTLE)
        _revoke(revoker, key, found.id)
        removed.add(found.id)
    return removed


def _revoke(revoker: Revokes, key: IssuedKey, id: str) -> None:
    revoker.revoke(key.customer.external_id, KeyRef(key.marker, key.public_id, id))
    failpoint("credential.withdrawn")


def name_leftovers(operation: Operation, told: str) -> str:
    """``told``, and in it the name of what an operation that stops may have left at its provider."""
    key, issues = operation.key, operation.kind == Operation.Kind.ISSUE_KEY
    if key is None or not (made_by(operation) if issues else key.external_id):
        return told
    plugin = registry().get(operation.plugin) if operation.plugin in registry().slugs else None
    name = getattr(plugin, "called", str)(key.marker)
    return told if name in told else f"{told} There may be “{name}” at {operation.plugin}.".strip()


def _trust_absence_only_later(calls: list[Call], settle: timedelta) -> None:
    """What was just created may not be found yet, at a provider that is consistent in time."""
    left = max(call.created_at for call in calls) + settle - now()
    if left > timedelta(0):
        raise Transient("settling", "What was created may not be found yet; waiting.", retry_after=left)


def plugin_can_revoke(plugin: Plugin, key: IssuedKey) -> Revokes:
    """The plugin as one that revokes; raises ``Misconfigured`` saying what a person has to do."""
    if not isinstance(plugin, Revokes):
        raise Misconfigured(
            "revoke_unsupported",
            f"The plugin {plugin.slug} can't revoke. Delete {key.external_id} by hand, "
            "then retry with confirm_absent.",
        )
    return plugin
