"""Revoking keys: refused here at once, and at the provider by an operation."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from portal.core.actor import SYSTEM, Actor
from portal.core.batches import batched
from portal.core.clock import now
from portal.core.errors import NotFound
from portal.core.failpoints import failpoint
from portal.core.plugins import registry
from portal.models import Customer, IssuedKey, Operation, SigningKey, Subscription
from portal.services.audit import Action, Entry, record_all
from portal.services.operations.change import request_cancellation
from portal.services.operations.queue import queue_removals
from portal.services.operations.run import fenced, finish, locked_key
from portal.services.status_lists import note_status_changes
from portal.services.telling import tell_of_revoked

Status, State = IssuedKey.Status, Operation.State


def revoke_key(actor: Actor, key_id: int, *, reason: str = "") -> IssuedKey:
    """Revoke one key; one that has ended already stays as it is. Returns the key as it is now."""
    key = IssuedKey.objects.select_related("customer").filter(pk=key_id).first()
    if key is None:
        raise NotFound("key")
    with transaction.atomic():
        _revoke(actor, key.customer, IssuedKey.objects.filter(pk=key_id), reason=reason)
        return IssuedKey.objects.select_related("customer", "user").get(pk=key_id)


def revoke_keys_of(
    actor: Actor, customer: Customer, *, subscription: Subscription | None = None, reason: str
) -> int:
    """Revoke all keys of a customer, or those made under one subscription; returns how many.

    In the caller's transaction, which holds the customer's lock.
    """
    keys = IssuedKey.objects.filter(customer=customer)
    if subscription is not None:
        keys = keys.filter(subscription=subscription)
    return _revoke(actor, customer, keys, reason=reason)


def revoke_keys_signed_by(actor: Actor, customer: Customer, signing_key: SigningKey, *, reason: str) -> int:
    """Revoke a customer's keys that ``signing_key`` signed; in the caller's transaction."""
    keys = IssuedKey.objects.filter(customer=customer, signing_key=signing_key)
    return _revoke(actor, customer, keys, reason=reason)


def _revoke(actor: Actor, customer: Customer, keys: "QuerySet[IssuedKey]", *, reason: str) -> int:
    # Lock order: operations before keys, as the worker takes them.
    issuing = Operation.objects.select_for_update(no_key=True).filter(
        key__in=keys, kind=Operation.Kind.ISSUE_KEY, state__in=[*Operation.OPEN, State.NEEDS_ATTENTION]
    )
    by_key = {operation.key_id: operation for operation in issuing.order_by("id")}
    found = list(keys.select_for_update(no_key=True).filter(status__in=IssuedKey.REVOCABLE).order_by("id"))
    ended: list[IssuedKey] = []
    going: list[IssuedKey] = []
    for key in found:
        (ended if _ends_at_once(key, by_key.get(key.pk)) else going).append(key)
    queue_removals(customer, [key for key in going if key.pk not in by_key])
    _mark(ended, Status.REVOKED, revoked_at=now(), revoke_reason=reason[:200])
    _mark(going, Status.REVOKING, revoke_reason=reason[:200])
    note_status_changes(key.pk for key in found)
    tell_of_revoked(customer, found)
    record_all(actor, _entries(found), customer=customer)
    return len(found)


def _ends_at_once(key: IssuedKey, issuing: Operation | None) -> bool:
    """Whether nothing has to be removed anywhere; an operation that makes the key is cancelled."""
    if issuing is None:
        return key.plugin in registry().slugs and registry().get(key.plugin).local
    request_cancellation(issuing)
    return issuing.state == State.CANCELLED


def _mark(keys: Sequence[IssuedKey], status: IssuedKey.Status, **values: Any) -> None:
    """Give the keys their status, and erase secrets that nobody has fetched."""
    for key in keys:
        key.status, key.revoke_reason = status, values["revoke_reason"]
    for batch in batched([key.pk for key in keys]):
        rows = IssuedKey.objects.filter(pk__in=batch)
        rows.exclude(sealed_secret="").update(sealed_secret="", secret_erased_at=now())
        rows.update(status=status, **values)


def _entries(keys: Iterable[IssuedKey]) -> list[Entry]:
    ended = {True: Action.KEY_REVOKED, False: Action.KEY_REVOKING}
    return [Entry(ended[key.status == Status.REVOKED], key.public_id) for key in keys]


def begin_revocation(operation: Operation) -> None:
    """A key's overlap has ended: refuse it here before the provider is told.

    There is no way back from here, even if the clock is put back: the credential may be gone.
    """
    with transaction.atomic():
        key = locked_key(fenced(operation))
        if key.status == Status.ACTIVE:
            _mark([key], Status.REVOKING, revoke_reason="replaced")
            note_status_changes([key.pk])
            record_all(SYSTEM, _entries([key]), customer=key.customer)


def finish_revocation(operation: Operation) -> None:
    """The provider has no such credential any more: mark the key and end the operation."""
    with transaction.atomic():
        operation = fenced(operation)
        key = locked_key(operation)
        if key.status not in (Status.REVOKED, Status.EXPIRED):
            key.status, key.revoked_at = Status.REVOKED, key.revoked_at or now()
            if key.sealed_secret:
                key.sealed_secret, key.secret_erased_at = "", now()
            key.save(update_fields=["status", "revoked_at", "sealed_secret", "secret_erased_at"])
            record_all(SYSTEM, [Entry(Action.KEY_REVOKED, key.public_id)], customer=key.customer)
        finish(operation, State.SUCCEEDED)
        failpoint("revocation.written")


def finish_withdrawal(operation: Operation) -> None:
    """What a cancelled or refused operation created is gone: its key was revoked, or counts as failed."""
    with transaction.atomic():
        operation = fenced(operation)
        key = locked_key(operation)
        action = Action.KEY_FAILED
        if key.status == Status.REVOKING:
            key.status, key.revoked_at, action = Status.REVOKED, now(), Action.KEY_REVOKED
        else:
            key.status = Status.FAILED
        key.save(update_fields=["status", "revoked_at"])
        record_all(SYSTEM, [Entry(action, key.public_id)], customer=key.customer)
        if operation.refused_code:
            finish(operation, State.FAILED, operation.refused_code, operation.refused_detail)
        else:
            finish(operation, State.CANCELLED, "cancelled", "What had been created was removed.")
        failpoint("withdrawal.written")


def mark_gone(public_id: str, external_id: str) -> None:
    """Revoke a key whose credential somebody deleted at the provider. Nothing if it ended meanwhile.

    The provider is told all the same: what a list left out by mistake is removed, and what is gone
    is no error there.
    """
    key = IssuedKey.objects.select_related("customer").filter(public_id=public_id).first()
    if key is None:
        return
    with transaction.atomic():
        its_own = IssuedKey.objects.filter(pk=key.pk, status=Status.ACTIVE, external_id=external_id)
        _revoke(SYSTEM, key.customer, its_own, reason="deleted at the provider")
