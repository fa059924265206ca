"""Running one claimed operation to its next state, whatever happens."""

import random
import threading
import time
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.metrics import OPERATION_RUNS, waiting_request
from portal.core.stopping import Stopping
from portal.jobs.claim import REVOKE_AGAIN, claim_this, free_abandoned
from portal.jobs.handlers import HANDLERS
from portal.jobs.heartbeat import Heartbeat
from portal.jobs.plugins import is_local
from portal.jobs.withdrawal import name_leftovers
from portal.models import Operation
from portal.services.keys.activate import fail_key, show_stuck
from portal.services.operations.run import LeaseLost, fail_operation, give_back, try_again
from provisioning.errors import ProvisioningError, Rejected, Transient

log = structlog.get_logger("portal.jobs")
DATABASE_AWAY = (OperationalError, InterfaceError)
"""Locked, full, restarting or unreachable: waited for. Other errors of databases are defects of ours."""
State, Kind = Operation.State, Operation.Kind
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=2), timedelta(minutes=5)
LONGEST_RETRY_AFTER = timedelta(hours=6)
STUCK_AFTER = timedelta(hours=24)
"""A transient error that lasts so long is shown to a person, and tried on."""
MOST_WAITING = 32
"""So many requests of this process wait for a worker; the others are answered 202 at once."""

_waiting = threading.BoundedSemaphore(MOST_WAITING)


def run_operation(operation: Operation) -> None:
    """Run a claimed operation and store how it ended. Raises only when the database is away."""
    event = log.bind(operation=operation.public_id, kind=operation.kind, attempt=operation.attempts)
    began_at, outcome = time.perf_counter(), "database_away"
    removing = operation.only_removes
    try:
        with Heartbeat(operation):
            HANDLERS[operation.kind](operation)
        failpoint("operation.finished")
        event.info("operation.succeeded")
        outcome = "succeeded"
    except LeaseLost:
        event.warning("operation.lease_lost")
        outcome = "lease_lost"
    except Stopping:
        give_back(operation)
        event.info("operation.given_back")
        outcome = "given_back"
    except ProvisioningError as exc:
        event.warning("operation.error", code=exc.code)
        _store_error(operation, exc, removing=removing)
        outcome = _outcome(exc)
    except DATABASE_AWAY:
        raise
    except Exception:
        event.exception("operation.crashed")
        unexpected = Transient("internal_error", "An unexpected error; the log has it.")
        _store_error(operation, unexpected, removing=removing)
        outcome = "internal_error"
    finally:
        seconds = time.perf_counter() - began_at
        OPERATION_RUNS.labels(operation.kind, operation.plugin, outcome).observe(seconds)


def _outcome(error: ProvisioningError) -> str:
    """As metrics name it: plugins may have errors of their own, but of these kinds."""
    if isinstance(error, Transient):
        return "transient"
    return "rejected" if isinstance(error, Rejected) else "misconfigured"


def _store_error(operation: Operation, error: ProvisioningError, *, removing: bool) -> None:
    """``removing``: the run began in order to remove, not to create."""
    refused = isinstance(error, Rejected) and not removing
    try:
        if isinstance(error, Transient):
            _try_again(operation, error)
        elif operation.only_removes and not refused:
            told = name_leftovers(operation, error.detail)
            try_again(operation, error.code, told, after=REVOKE_AGAIN, state=State.NEEDS_ATTENTION)
            if operation.kind == Kind.ISSUE_KEY:
                show_stuck(operation, error.code)
        elif refused:
            _end(operation, error.code, error.detail, State.FAILED)
        else:
            _end(operation, error.code, name_leftovers(operation, error.detail), State.NEEDS_ATTENTION)
    except LeaseLost:
        log.warning("operation.lease_lost", operation=operation.public_id)


def _end(operation: Operation, code: str, detail: str, state: Operation.State) -> None:
    fail = fail_key if operation.kind == Kind.ISSUE_KEY else fail_operation
    fail(operation, code, detail, state)


def _try_again(operation: Operation, error: Transient) -> None:
    delay = _delay(operation.attempts)
    if error.retry_after is not None and error.retry_after > timedelta(0):
        delay = min(error.retry_after, LONGEST_RETRY_AFTER)
    stuck = operation.failing_since is not None and operation.failing_since + STUCK_AFTER <= now()
    state = State.NEEDS_ATTENTION if stuck else State.RETRYING
    told = name_leftovers(operation, error.detail) if stuck else error.detail
    try_again(operation, error.code, told, after=delay, state=state)
    if stuck and operation.kind == Kind.ISSUE_KEY:
        show_stuck(operation, error.code)


def _delay(attempts: int) -> timedelta:
    """Exponential back-off with jitter, capped."""
    longest: timedelta = min(FIRST_DELAY * 2 ** min(attempts, 20), LONGEST_DELAY)
    jitter: float = random.uniform(0.5, 1)  # noqa: S311  # no secret
    return longest * jitter


def run_inline(operation: Operation) -> None:
    """Run an operation that was inserted leased to this process; others are left to a worker."""
    if operation.state == State.RUNNING:
        run_operation(operation)


def resume(operation: Operation) -> None:
    """After a crash: run the operation of a local plugin here if nobody else does."""
    if not is_local(operation):
        return
    free_abandoned()
    claimed = claim_this(operation.pk)
    if claimed is not None:
        run_operation(claimed)


def wait_for(operation_id: int, *, seconds: float) -> Operation:
    """The operation as soon as it has ended, or as it is after ``seconds``.

    Holds no database connection between looks. Returns at once when ``MOST_WAITING`` others wait.
    """
    if not _waiting.acquire(blocking=False):
        return _look_until_ended(operation_id, 0)
    try:
        with waiting_request():
            return _look_until_ended(operation_id, seconds)
    finally:
        _waiting.release()


def _look_until_ended(operation_id: int, seconds: float) -> Operation:
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
