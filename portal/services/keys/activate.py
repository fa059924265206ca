"""The second transaction of issuing: what the plugin created becomes an active key, or fails."""

import json

from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.fingerprints import fingerprint
from portal.core.sealing import seal
from portal.models import IssuedKey, Notice, Operation, SigningKey
from portal.services.audit import Action, record
from portal.services.keys.retire import retire_predecessor
from portal.services.operations.queue import make_due, new_operation
from portal.services.operations.run import fenced, finish, locked_key
from portal.services.signing_keys.lookup import lock_shared
from portal.services.telling import tell_of_key
from provisioning.contract import CreatedKey, Plugin, check_id
from provisioning.secret import Secret

State, Status = Operation.State, IssuedKey.Status


class SigningKeyChanged(Exception):
    """The key that signed is no longer active: sign anew."""


def activate_key(operation: Operation, plugin: Plugin, created: CreatedKey) -> None:
    """Store what was created and end the operation, in one transaction.

    Raises ``LeaseLost`` when another worker has the operation, ``SigningKeyChanged`` when the
    JWT was signed with a key that was rotated away meanwhile. A key that was revoked while it
    was being created is not activated: its revocation is queued instead.
    """
    check_id(created.external_id)
    with transaction.atomic():
        operation = fenced(operation)
        key = locked_key(operation)
        key.signing_key = _active_signing_key(created)
        key.external_id, key.jti, key.public = created.external_id, created.jti, dict(created.public)
        key.expires_at = created.expires_at
        _describe_secret(key, created)
        action = None
        if key.status in (Status.REQUESTED, Status.NEEDS_ATTENTION) and not operation.cancel_requested:
            key.status, key.activated_at = Status.ACTIVE, now()
            key.sealed_secret = seal(_shown_form(created))
            action = Action.KEY_ACTIVATED
        elif plugin.local:
            key.status, key.revoked_at = Status.REVOKED, now()
            action = Action.KEY_REVOKED
        else:
            key.status = Status.REVOKING
            new_operation(Operation.Kind.REVOKE_KEY, plugin.slug, key.customer, key=key)
        key.save()
        if key.status == Status.ACTIVE:
            retire_predecessor(key)
            kind = Notice.Kind.KEY_ROTATED if key.rotated_from_id else Notice.Kind.KEY_ISSUED
            tell_of_key(key, kind)
        if action is not None:
            record(SYSTEM, action, key.public_id, customer=key.customer, operation=operation.public_id)
        finish(operation, State.SUCCEEDED)
        failpoint("activation.written")
    failpoint("activation.committed")


def fail_key(operation: Operation, code: str, detail: str, state: Operation.State) -> None:
    """End the operation without a key: ``failed`` when nothing exists, else ``needs_attention``.

    One that was cancelled meanwhile is given back instead: its next run removes what there is.
    """
    with transaction.atomic():
        locked = fenced(operation)
        if locked.only_removes and not operation.only_removes:
            make_due(locked)
            return
        mark_key(locked, code, Status.FAILED if state == State.FAILED else Status.NEEDS_ATTENTION)
        finish(locked, state, code, detail)


def show_stuck(operation: Operation, code: str) -> None:
    """Show on the key that its operation has failed for long; it is tried on."""
    with transaction.atomic():
        mark_key(operation, code, Status.NEEDS_ATTENTION)


def mark_key(operation: Operation, code: str, status: IssuedKey.Status) -> None:
    """Show on the key that its operation ended without one; in the caller's transaction."""
    key = locked_key(operation)
    if key.status == Status.REQUESTED:
        key.status = status
        key.save(update_fields=["status"])
        record(SYSTEM, Action.KEY_FAILED, key.public_id, customer=key.customer, code=code)
    elif key.status == Status.REVOKING and status == Status.FAILED:
        key.status, key.revoked_at = Status.REVOKED, now()
        key.save(update_fields=["status", "revoked_at"])
        record(SYSTEM, Action.KEY_REVOKED, key.public_id, customer=key.customer)


def _active_signing_key(created: CreatedKey) -> SigningKey | None:
    if created.kid is None:
        return None
    signing_key = lock_shared(created.kid)
    if signing_key is None or signing_key.state != SigningKey.State.ACTIVE:
        raise SigningKeyChanged
    return signing_key


def _describe_secret(key: IssuedKey, created: CreatedKey) -> None:
    text = created.secret.reveal()
    key.fingerprint, key.prefix, key.last4 = fingerprint(created.secret), text[:8], text[-4:]


def _shown_form(created: CreatedKey) -> Secret:
    """What the reveal answers: the bare text, or with public parts an object."""
    text = created.secret.reveal()
    return Secret(json.dumps({**created.public, "client_secret": text} if created.public else text))
