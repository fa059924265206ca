"""Taking an operation: one conditional UPDATE, so that exactly one worker gets it."""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from portal.core.clock import now
from portal.core.process import is_gone, this_process
from portal.models import IssuedKey, Operation
from portal.services.keys.activate import mark_key
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
    return _claim(Operation.objects.due().filter(~Exists(busy), ~Exists(earlier)), lease)


def claim_this(operation_id: int, *, lease: timedelta = LEASE) -> Operation | None:
    """Reserve that operation when it is due and its customer's turn, or None."""
    return _claim(Operation.objects.due().filter(pk=operation_id), lease)


def _claim(candidates: "QuerySet[Operation]", lease: timedelta) -> Operation | None:
    with transaction.atomic():
        candidate = _locked(candidates.order_by("run_after", "id")).first()
        if candidate is None or not _has_turn(candidate):
            return None
        candidate.state, candidate.attempts = State.RUNNING, candidate.attempts + 1
        candidate.owner, candidate.lease_until = this_process(), now() + lease
        candidate.save(update_fields=["state", "attempts", "owner", "lease_until"])
        return candidate


def _has_turn(candidate: Operation) -> bool:
    """Whether nothing else of this customer runs at this plugin; looked at one claim at a time."""
    if connection.vendor == "postgresql":  # SQLite: BEGIN IMMEDIATE made us the only writer
        turn = f"claim {candidate.customer_id} {candidate.plugin}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [turn])
            if cursor.fetchone() != (True,):
                return False
    same = Operation.objects.filter(customer_id=candidate.customer_id, plugin=candidate.plugin)
    return not same.filter(state=State.RUNNING).exists()


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
        freed += _free(operation)
    return freed


def _free(operation: Operation) -> bool:
    stopped = operation.crashes + 1 >= POISON
    with transaction.atomic():
        freed = Operation.objects.filter(
            pk=operation.pk, state=State.RUNNING, owner=operation.owner, attempts=operation.attempts
        ).update(
            state=State.NEEDS_ATTENTION if stopped else State.RETRYING,
            crashes=F("crashes") + 1, owner="", lease_until=None, run_after=now(),
            error_code="crashed", error_detail="The process that ran this ended without a result.",
        )  # fmt: skip
        if freed and stopped and operation.kind == Operation.Kind.ISSUE_KEY:
            mark_key(operation, "crashed", IssuedKey.Status.NEEDS_ATTENTION)
    return bool(freed)


def _locked(operations: "QuerySet[Operation]") -> "QuerySet[Operation]":
    if connection.features.has_select_for_update_skip_locked:
        return operations.select_for_update(skip_locked=True, no_key=True)
    return operations  # SQLite: BEGIN IMMEDIATE made us the only writer
