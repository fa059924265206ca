"""Taking an operation: one conditional UPDATE, so that exactly one worker gets it."""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from portal.core.clock import now
from portal.core.process import is_gone, this_process
from portal.models import Operation
from portal.services.operations import LEASE

State = Operation.State
POISON = 5
"""So many claims that ended with neither result nor error stop an operation."""


def claim_operation(*, lease: timedelta = LEASE) -> Operation | None:
    """Reserve the oldest due operation, or return None when nothing is due.

    Operations of one customer at one plugin run one at a time. After ``lease`` another worker
    may repeat it, so handlers must tolerate running twice. Commits before returning.
    """
    same = Operation.objects.filter(customer_id=OuterRef("customer_id"), plugin=OuterRef("plugin"))
    busy = same.filter(state=State.RUNNING)
    earlier = same.due().filter(id__lt=OuterRef("id"))
    free = Operation.objects.due().filter(~Exists(busy), ~Exists(earlier))
    with transaction.atomic():
        for candidate in _locked(free.order_by("run_after", "id"))[:1]:
            return _take(candidate, lease)
    return None


def claim_this(operation_id: int, *, lease: timedelta = LEASE) -> Operation | None:
    """Reserve that operation when it is due, or None."""
    with transaction.atomic():
        for candidate in _locked(Operation.objects.due().filter(pk=operation_id)):
            return _take(candidate, lease)
    return None


def free_abandoned() -> int:
    """Make operations due again whose owner is dead or whose lease has run out; returns how many.

    Each time counts as a crash; at the fifth the operation stops for a person.
    """
    freed = 0
    for operation in Operation.objects.filter(state=State.RUNNING).order_by("id").iterator():
        if (
            operation.lease_until is not None
            and operation.lease_until > now()
            and not is_gone(operation.owner)
        ):
            continue
        stopped = operation.crashes + 1 >= POISON
        freed += Operation.objects.filter(
            pk=operation.pk, state=State.RUNNING, owner=operation.owner, attempts=operation.attempts
        ).update(
            state=State.NEEDS_ATTENTION if stopped else State.RETRYING,
            crashes=F("crashes") + 1, owner="", lease_until=None, run_after=now(),
            error_code="crashed", error_detail="The process that ran this ended without a result.",
        )  # fmt: skip
    return freed


def _locked(operations: "QuerySet[Operation]") -> "QuerySet[Operation]":
    if connection.features.has_select_for_update_skip_locked:
        return operations.select_for_update(skip_locked=True, no_key=True)
    return operations  # SQLite: BEGIN IMMEDIATE made us the only writer


def _take(operation: Operation, lease: timedelta) -> Operation:
    operation.state, operation.attempts = State.RUNNING, operation.attempts + 1
    operation.owner, operation.lease_until = this_process(), now() + lease
    operation.save(update_fields=["state", "attempts", "owner", "lease_until"])
    return operation
