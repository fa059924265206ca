"""Running one claimed operation to its next state, whatever happens."""

import random
import time
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from portal.jobs.claim import claim_this, free_abandoned
from portal.jobs.handlers import HANDLERS
from portal.jobs.heartbeat import Heartbeat
from portal.models import Operation
from portal.services.keys.activate import fail_key
from portal.services.operations import LeaseLost, fenced, finish, retry_later
from provisioning.errors import Misconfigured, ProvisioningError, Rejected, Transient

log = structlog.get_logger("portal.jobs")
State = Operation.State
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=2), timedelta(minutes=5)


def run_operation(operation: Operation) -> None:
    """Run a claimed operation and store how it ended. Raises only when the database is away."""
    event = log.bind(operation=operation.public_id, kind=operation.kind, attempt=operation.attempts)
    try:
        with Heartbeat(operation):
            HANDLERS[operation.kind](operation)
        event.info("operation.succeeded")
    except LeaseLost:
        event.warning("operation.lease_lost")
    except ProvisioningError as exc:
        event.warning("operation.error", code=exc.code)
        _store_error(operation, exc)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        event.exception("operation.crashed")
        _store_error(operation, Transient("internal_error", "An unexpected error; the log has it."))


def _store_error(operation: Operation, error: ProvisioningError) -> None:
    try:
        if isinstance(error, Transient):
            delay = _delay(operation.attempts)
            if error.retry_after is not None:
                delay = max(error.retry_after, timedelta(0))
            retry_later(operation, error.code, error.detail, after=delay)
        elif operation.kind == Operation.Kind.ISSUE_KEY:
            state = State.FAILED if isinstance(error, Rejected) else State.NEEDS_ATTENTION
            fail_key(operation, error.code, error.detail, state)
        else:
            stopped = isinstance(error, Misconfigured) or operation.kind == Operation.Kind.REVOKE_KEY
            with transaction.atomic():
                state = State.NEEDS_ATTENTION if stopped else State.FAILED
                finish(fenced(operation), state, error.code, error.detail)
    except LeaseLost:
        log.warning("operation.lease_lost", operation=operation.public_id)


def _delay(attempts: int) -> timedelta:
    """Exponential back-off with full jitter, capped."""
    longest: timedelta = min(FIRST_DELAY * 2 ** min(attempts, 20), LONGEST_DELAY)
    jitter: float = random.uniform(0.5, 1)  # noqa: S311  # no secret
    return longest * jitter


def run_inline(operation: Operation) -> None:
    """Run an operation that was inserted leased to this process; others are left to a worker."""
    if operation.state == State.RUNNING:
        run_operation(operation)


def resume(operation_id: int) -> None:
    """After a crash: run the operation here if nobody else does."""
    free_abandoned()
    operation = claim_this(operation_id)
    if operation is not None:
        run_operation(operation)


def wait_for(operation_id: int, *, seconds: float) -> Operation:
    """The operation as soon as it has ended, or as it is after ``seconds``.

    Holds no database connection between looks.
    """
    deadline, pause = time.monotonic() + seconds, 0.05
    while True:
        operation = Operation.objects.select_related("customer", "key", "key__customer", "key__user").get(
            pk=operation_id
        )
        left = deadline - time.monotonic()
        if operation.state not in Operation.OPEN or left <= 0:
            return operation
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 1)
