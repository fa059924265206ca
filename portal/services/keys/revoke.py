"""Revoking keys: refused here at once, and at the provider by an operation."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from portal.core.actor import SYSTEM, Actor
from portal.core.clock import now
from portal.core.errors import NotFound
from portal.core.plugins import registry
from portal.models import Customer, IssuedKey, Operation, SigningKey, Subscription
from portal.services.audit import Action, Entry, record_all
from portal.services.operations import fenced, finish, locked_key, new_operation

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
    by_key = {operation.key_id: operation for operation in issuing}
    found = list(keys.select_for_update(no_key=True).filter(status__in=IssuedKey.REVOCABLE).order_by("id"))
    for key in found:
        _begin(key, customer, by_key.get(key.pk), reason)
    fields = ["status", "revoked_at", "revoke_reason", "sealed_secret", "secret_erased_at"]
    IssuedKey.objects.bulk_update(found, fields, batch_size=200)
    record_all(actor, list(_entries(found)), customer=customer)
    return len(found)


def _begin(key: IssuedKey, customer: Customer, issuing: Operation | None, reason: str) -> None:
    key.revoke_reason = reason[:200]
    if key.sealed_secret:
        key.sealed_secret, key.secret_erased_at = "", now()
    never_sent = issuing is not None and issuing.attempts == 0 and issuing.state != State.RUNNING
    if issuing is not None and never_sent:
        finish(issuing, State.CANCELLED, "revoked", "The key was revoked before it was created.")
    nothing_remote = key.plugin in registry().slugs and registry().get(key.plugin).local
    if never_sent or (nothing_remote and key.status == Status.ACTIVE):
        key.status, key.revoked_at = Status.REVOKED, now()
        return
    if issuing is None:
        new_operation(Operation.Kind.REVOKE_KEY, key.plugin, customer, key=key)
    elif issuing.state == State.NEEDS_ATTENTION:
        # Whether something exists is what recovery finds out; then it is removed.
        issuing.state, issuing.run_after = State.QUEUED, now()
        issuing.save(update_fields=["state", "run_after"])
    key.status = Status.REVOKING


def _entries(keys: Iterable[IssuedKey]) -> Iterable[Entry]:
    for key in keys:
        action = Action.KEY_REVOKED if key.status == Status.REVOKED else Action.KEY_REVOKING
        yield Entry(action, key.public_id)


def finish_revocation(operation: Operation) -> None:
    """The provider has no such credential any more: mark the key and end the operation."""
    with transaction.atomic():
        operation = fenced(operation)
        key = locked_key(operation)
        if key.status != Status.REVOKED:
            key.status, key.revoked_at = Status.REVOKED, key.revoked_at or now()
            if key.sealed_secret:
                key.sealed_secret, key.secret_erased_at = "", now()
            key.save(update_fields=["status", "revoked_at", "sealed_secret", "secret_erased_at"])
            record_all(SYSTEM, [Entry(Action.KEY_REVOKED, key.public_id)], customer=key.customer)
        finish(operation, State.SUCCEEDED)
