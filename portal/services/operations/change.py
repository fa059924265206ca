"""What people change about an operation that has not ended: try it again, cancel it."""

from django.db import transaction
from django.db.models import Q

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotFound
from portal.models import Call, IssuedKey, Operation
from portal.services.audit import Action, record
from portal.services.operations.queue import make_due
from portal.services.operations.run import finish

State = Operation.State


def retry_operation(actor: Actor, operation_id: int, *, confirm_absent: bool = False) -> Operation:
    """Let an operation that waits or stopped run again now. Recovery decides what is left to do.

    ``confirm_absent``: a person looked. What it was creating is not there, so it is created anew;
    what it was removing is gone, so it ends.
    """
    with transaction.atomic():
        operation = _locked(operation_id)
        if operation.state not in Operation.WAITING:
            raise Conflict(
                "operation_not_waiting", f"This operation is {operation.state}. Nothing was changed."
            )
        operation.failing_since, operation.crashes = None, 0
        if confirm_absent:
            _confirm_absent(operation)
        make_due(operation)
        if operation.key_id and not operation.cancel_requested:
            IssuedKey.objects.filter(
                pk=operation.key_id, status=IssuedKey.Status.NEEDS_ATTENTION
            ).update(status=IssuedKey.Status.REQUESTED)  # fmt: skip
        record(actor, Action.OPERATION_RETRIED, operation.public_id, customer=operation.customer,
               confirmed_absent=confirm_absent)  # fmt: skip
    return operation


def _confirm_absent(operation: Operation) -> None:
    if operation.only_removes:
        operation.confirmed_absent = True
        return
    at_work = Operation.objects.filter(customer=operation.customer_id, plugin=operation.plugin)
    if at_work.filter(state=State.RUNNING).exists():
        raise Conflict(
            "operation_running", "Another operation of this customer is at work there. Repeat in a moment."
        )
    own = Q(scope=operation.public_id)
    if operation.state != State.NEEDS_ATTENTION:  # else what is half made was deleted by hand, too
        own &= Q(resource_id="")
    shared = Q(scope__startswith=f"{operation.plugin} {operation.customer.public_id} ", resource_id="")
    Call.objects.filter(own | shared).update(confirmed_absent=True)


def cancel_operation(actor: Actor, operation_id: int) -> Operation:
    """Stop an operation that has not ended. What it created for a key is removed first.

    It is ``cancelled`` at once when nothing can have been created, else when a worker has removed
    that. What a customer shares (an account at the provider) stays for the next time.
    """
    with transaction.atomic():
        operation = _locked(operation_id)
        if operation.state not in (*Operation.WAITING, State.RUNNING):
            raise Conflict("operation_ended", f"This operation is {operation.state}. Nothing was changed.")
        if operation.kind == Operation.Kind.REVOKE_KEY:
            raise Conflict("revocation_not_cancellable", "A revocation is never taken back.")
        request_cancellation(operation)
        if operation.state == State.CANCELLED:
            IssuedKey.objects.filter(
                operations=operation, status__in=["requested", "needs_attention"]
            ).update(status=IssuedKey.Status.FAILED)  # fmt: skip
        record(actor, Action.OPERATION_CANCELLED, operation.public_id, customer=operation.customer)
    return operation


def request_cancellation(operation: Operation) -> None:
    """Cancel a locked operation, or, where it may have created something, have that removed first."""
    begun = operation.attempts > 0 and operation.kind == Operation.Kind.ISSUE_KEY
    operation.cancel_requested = True
    if operation.state == State.RUNNING:
        operation.save(update_fields=["cancel_requested"])  # its run sees that when it ends
    elif begun:
        make_due(operation)
    else:
        finish(operation, State.CANCELLED, "cancelled", "Cancelled before anything was created.")


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
