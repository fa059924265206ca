"""What a run of an operation writes: fenced by its lease, ended once."""

from datetime import datetime, timedelta

from django.db import transaction

from portal.core.clock import now
from portal.models import Call, IssuedKey, Operation
from portal.services.operations.queue import make_due
from provisioning.errors import Rejected

State = Operation.State


class LeaseLost(Exception):
    """Another worker has this operation now; what this one found out must not be written."""


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
    """Write the operation's end, or that it needs a person, in the caller's transaction.

    What was chosen for it is erased with its end.
    """
    _describe(operation, state, code, detail)
    if state == State.NEEDS_ATTENTION:
        operation.run_after = None
    else:
        operation.finished_at, operation.failing_since = now(), None
        Call.objects.filter(scope=operation.public_id).exclude(sealed_secret="").update(sealed_secret="")
    operation.save()


def try_again(
    operation: Operation, code: str, detail: str, *, after: timedelta, state: Operation.State = State.RETRYING
) -> None:
    """Give the lease back of a run that failed; the operation is due again after that time."""
    with transaction.atomic():
        operation = fenced(operation)
        operation.scheduled_at = now()
        operation.run_after = operation.scheduled_at + after
        operation.failing_since = operation.failing_since or now()
        _describe(operation, state, code, detail)
        operation.save()


def _describe(operation: Operation, state: Operation.State, code: str, detail: str) -> None:
    """State and error as far as the columns hold them; no lease any more."""
    operation.state, operation.error_code, operation.error_detail = state, code[:64], detail[:500]
    operation.lease_until, operation.owner = None, ""


def fail_operation(operation: Operation, code: str, detail: str, state: Operation.State) -> None:
    """End an operation that is about no key: ``failed``, or until a person looks."""
    with transaction.atomic():
        finish(fenced(operation), state, code, detail)


def postpone(operation: Operation, *, until: datetime) -> None:
    """Give back a run that came too early; that is no failure."""
    with transaction.atomic():
        operation = fenced(operation)
        operation.failing_since = None
        make_due(operation, at=until)


def stop_creating(operation: Operation, refusal: Rejected) -> None:
    """Let this operation, refused halfway, do nothing any more but remove what it has created."""
    with transaction.atomic():
        locked = fenced(operation)
        locked.cancel_requested = True
        locked.refused_code, locked.refused_detail = refusal.code[:64], refusal.detail[:500]
        locked.save(update_fields=["cancel_requested", "refused_code", "refused_detail"])
    operation.cancel_requested = True


def give_back(operation: Operation) -> None:
    """Let another worker go on at once: this run ended without having failed. Harmless if it was lost."""
    with transaction.atomic():
        try:
            operation = fenced(operation)
        except LeaseLost:
            return
        make_due(operation)
