"""Taking an operation: one conditional UPDATE, so that exactly one worker gets it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.process import is_gone, this_process
from portal.jobs.withdrawal import name_leftovers
from portal.models import IssuedKey, Operation
from portal.services.keys.activate import mark_key
from portal.services.operations.queue import LEASE

State = Operation.State
POISON = 5
"""So many claims that ended with neither result nor error stop an operation."""
REVOKE_AGAIN = timedelta(hours=1)
"""What has to be removed at a provider is never given up, only tried less often."""
CLOCK_SLACK = timedelta(minutes=1)
"""So far the clocks of two hosts may differ before one counts as put back."""


def claim_operation(*, lease: timedelta = LEASE, without: Collection[str] = ()) -> Operation | None:
    """Reserve the oldest due operation, or return None when nothing is due.

    ``without`` names plugins whose operations are left for later. Operations of one customer at
    one plugin run one at a time. After ``lease`` another worker may repeat it, so handlers must
    tolerate running twice. Commits before returning.
    """
    if not Operation.objects.due().exists():
        return None  # the usual case, without a transaction
    same = Operation.objects.filter(customer_id=OuterRef("customer_id"), plugin=OuterRef("plugin"))
    busy = same.filter(state=State.RUNNING)
    earlier = same.due().filter(id__lt=OuterRef("id"))
    candidates = Operation.objects.due().exclude(plugin__in=without).filter(~Exists(busy), ~Exists(earlier))
    operation = _claim(candidates, lease)
    if operation is not None:
        failpoint("operation.claimed")
    return operation


def claim_this(operation_id: int, *, lease: timedelta = LEASE) -> Operation | None:
    """Reserve that operation when it is due and its customer's turn, or None."""
    return _claim(Operation.objects.due().filter(pk=operation_id), lease)


def next_due_at() -> datetime | None:
    """When the next operation that waits for a time is due; what waits for its turn has no time."""
    later = Operation.objects.filter(state__in=Operation.WAITING, run_after__gt=now())
    return later.order_by("run_after").values_list("run_after", flat=True).first()


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

    Each time counts as a crash; at the fifth the operation stops for a person. What was planned
    before the clock was put back becomes due too, else it would wait for that time to come again.
    """
    planned_ahead = Operation.objects.filter(
        state__in=Operation.WAITING, run_after__isnull=False, scheduled_at__gt=now() + CLOCK_SLACK
    )
    freed = planned_ahead.update(run_after=now(), scheduled_at=now())
    for operation in Operation.objects.filter(state=State.RUNNING).order_by("id").iterator():
        if _is_abandoned(operation):
            freed += _free(operation)
    return freed


def _is_abandoned(operation: Operation) -> bool:
    left = operation.lease_until - now() if operation.lease_until else timedelta(0)
    # No lease is given for longer than LEASE: one that seems to be was given before the clock was put back.
    return not timedelta(0) < left <= LEASE + CLOCK_SLACK or is_gone(operation.owner)


def _free(operation: Operation) -> bool:
    """End an abandoned run, unless it ended or was freed meanwhile."""
    stopped = operation.crashes + 1 >= POISON
    told = "The process that ran this ended without a result."
    if stopped:
        told = name_leftovers(operation, told)
    again: datetime | None = now()
    if stopped:
        again = now() + REVOKE_AGAIN if operation.only_removes else None
    with transaction.atomic():
        freed = Operation.objects.filter(
            pk=operation.pk, state=State.RUNNING, owner=operation.owner,
            attempts=operation.attempts, lease_until=operation.lease_until,
            cancel_requested=operation.cancel_requested,  # else it would stop without removing
        ).update(
            state=State.NEEDS_ATTENTION if stopped else State.RETRYING,
            crashes=F("crashes") + 1, owner="", lease_until=None, run_after=again, scheduled_at=now(),
            error_code="crashed", error_detail=told[:500],
        )  # fmt: skip
        if freed and stopped and operation.kind == Operation.Kind.ISSUE_KEY:
            mark_key(operation, "crashed", IssuedKey.Status.NEEDS_ATTENTION)
    return bool(freed)


def _locked(operations: "QuerySet[Operation]") -> "QuerySet[Operation]":
    if connection.features.has_select_for_update_skip_locked:
        return operations.select_for_update(skip_locked=True, no_key=True)
    return operations  # SQLite: BEGIN IMMEDIATE made us the only writer
