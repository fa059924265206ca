"""Operations: inserted with their change, fenced by their lease, ended once."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, NotFound
from portal.core.plugins import plugin_named, registry
from portal.core.process import this_process
from portal.models import Call, Customer, IssuedKey, Membership, Operation, User
from portal.services.audit import Action, record

State = Operation.State
LEASE = timedelta(seconds=15)


class LeaseLost(Exception):
    """Another worker has this operation now; what this one found out must not be written."""


def new_operation(
    kind: Operation.Kind,
    plugin: str,
    customer: Customer,
    *,
    user: User | None = None,
    key: IssuedKey | None = None,
    run_after: datetime | None = None,
) -> Operation:
    """Insert an operation in the caller's transaction.

    For a local plugin, and due at once, it comes leased to this process, which runs it next.
    """
    operation = Operation(
        kind=kind, plugin=plugin, customer=customer, user=user, key=key, run_after=run_after or now()
    )
    if run_after is None and plugin in registry().slugs and registry().get(plugin).local:
        operation.state, operation.attempts = State.RUNNING, 1
        operation.owner, operation.lease_until = this_process(), now() + LEASE
    operation.save(force_insert=True)
    return operation


def request_provisioning(actor: Actor, customer_id: int, *, user: User, plugin: str | None) -> Operation:
    """Ask that a customer's user be made known at a plugin."""
    with transaction.atomic():
        customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
        if customer.status != Customer.Status.ACTIVE:
            raise Conflict("customer_not_active", f"This customer is {customer.status}. Nothing was created.")
        if not Membership.objects.filter(customer=customer, user=user).exists():
            raise NotFound("user")
        slug = plugin_named(plugin).slug
        operation = new_operation(Operation.Kind.PROVISION, slug, customer, user=user)
        record(actor, Action.OPERATION_REQUESTED, operation.public_id, customer=customer, plugin=slug)
    return operation


def fenced(operation: Operation) -> Operation:
    """The operation's row, locked, if this run still holds its lease; raises ``LeaseLost``.

    ``attempts`` tells two runs apart even when one process made both.
    """
    locked = (
        Operation.objects.select_for_update(no_key=True)
        .filter(pk=operation.pk, state=State.RUNNING, owner=operation.owner, attempts=operation.attempts)
        .first()
    )
    if locked is None:
        raise LeaseLost(operation.public_id)
    return locked


def locked_key(operation: Operation) -> IssuedKey:
    """The key that the operation is about, locked, with its customer, which is not."""
    keys = IssuedKey.objects.select_for_update(of=("self",), no_key=True).select_related("customer")
    return keys.get(operations=operation.pk)


def finish(operation: Operation, state: Operation.State, code: str = "", detail: str = "") -> None:
    """Write the operation's end, in the caller's transaction."""
    operation.state, operation.error_code, operation.error_detail = state, code, detail[:500]
    operation.lease_until, operation.owner = None, ""
    operation.finished_at = None if state == State.NEEDS_ATTENTION else now()
    operation.save()


def retry_later(operation: Operation, code: str, detail: str, *, after: timedelta) -> None:
    """Give the lease back; the operation is due again after that time."""
    with transaction.atomic():
        operation = fenced(operation)
        operation.state, operation.run_after = State.RETRYING, now() + after
        operation.error_code, operation.error_detail = code, detail[:500]
        operation.lease_until, operation.owner = None, ""
        operation.save()


def retry_operation(actor: Actor, operation_id: int, *, confirm_absent: bool = False) -> Operation:
    """Let an operation that waits or stopped run again now. Recovery decides what is left to do.

    ``confirm_absent``: a person looked, and the creations whose answer was lost didn't happen.
    """
    with transaction.atomic():
        operation = _locked(operation_id)
        if operation.state not in (State.RETRYING, State.NEEDS_ATTENTION, State.QUEUED):
            raise Conflict(
                "operation_not_waiting", f"This operation is {operation.state}. Nothing was changed."
            )
        operation.state, operation.run_after, operation.crashes = State.QUEUED, now(), 0
        operation.save()
        if confirm_absent:
            shared = f"{operation.plugin} {operation.customer.public_id} "
            asked = Q(scope=operation.public_id) | Q(scope__startswith=shared)
            Call.objects.filter(asked, resource_id="").update(attempt_at=None)
        if operation.key_id:
            IssuedKey.objects.filter(
                pk=operation.key_id, status=IssuedKey.Status.NEEDS_ATTENTION
            ).update(status=IssuedKey.Status.REQUESTED)  # fmt: skip
        record(actor, Action.OPERATION_RETRIED, operation.public_id, customer=operation.customer)
    return operation


def cancel_operation(actor: Actor, operation_id: int) -> Operation:
    """End an operation that has not begun. One that may have created something is revoked instead."""
    with transaction.atomic():
        operation = _locked(operation_id)
        if operation.state not in (State.QUEUED, State.RETRYING, State.NEEDS_ATTENTION) or operation.attempts:
            raise Conflict(
                "operation_started",
                f"This operation is {operation.state}; it may have created something. Revoke its key.",
            )
        if operation.kind == Operation.Kind.REVOKE_KEY:
            raise Conflict("revocation_not_cancellable", "A revocation is never taken back.")
        finish(operation, State.CANCELLED, "cancelled", "Cancelled before anything was created.")
        IssuedKey.objects.filter(operations=operation, status=IssuedKey.Status.REQUESTED).update(
            status=IssuedKey.Status.FAILED
        )
        record(actor, Action.OPERATION_CANCELLED, operation.public_id, customer=operation.customer)
    return operation


def _locked(operation_id: int) -> Operation:
    operation = (
        Operation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer")
        .filter(pk=operation_id)
        .first()
    )
    if operation is None:
        raise NotFound("operation")
    return operation
