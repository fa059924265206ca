"""An operation's way from being asked for to its end, as steps to show; looked at again while it runs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.utils.safestring import SafeString

from portal.admin.advice import advice
from portal.admin.show import relative, when
from portal.admin.workers import workers
from portal.core.clock import now
from portal.models import Operation

State = Operation.State


@dataclass(frozen=True)
class Step:
    label: str
    note: SafeString | str = ""
    state: Literal["done", "now", "bad", "next"] = "done"


@dataclass(frozen=True)
class Progress:
    operation: Operation
    headline: str
    steps: list[Step]
    advice: str
    ended: bool
    """Nothing more happens by itself, so nobody has to look again."""
    pause: int
    """Milliseconds until the next look."""


def progress(operation: Operation) -> Progress:
    """Where it stands. Three small queries at most, for an operation that waits for its turn."""
    steps = [
        Step("Asked for", when(operation.created_at)),
        *_middle(operation),
        _last(operation),
    ]
    return Progress(
        operation, _headline(operation), steps, advice(operation), _ended(operation), _pause(operation)
    )


def _ended(operation: Operation) -> bool:
    if operation.state == State.NEEDS_ATTENTION:
        return operation.run_after is None
    return operation.state not in Operation.OPEN


def _pause(operation: Operation) -> int:
    """A second; less often while its next run is far away."""
    waits = operation.state in Operation.WAITING and operation.run_after
    far = waits and operation.run_after is not None and operation.run_after > now() + timedelta(minutes=1)
    return 15_000 if far else 1_000


def _headline(operation: Operation) -> str:
    if operation.cancel_requested and not _ended(operation):
        return "Being cancelled: what it created is removed first"
    attempt = f", attempt {operation.attempts}" if operation.attempts > 1 else ""
    return {
        State.QUEUED: "Waiting for a worker",
        State.RUNNING: f"Running at {operation.plugin}{attempt}",
        State.RETRYING: f"Attempt {operation.attempts} failed; it is tried again by itself",
        State.SUCCEEDED: "Done",
        State.FAILED: f"{operation.plugin} refused",
        State.NEEDS_ATTENTION: "It needs a person",
        State.CANCELLED: "Cancelled",
    }[State(operation.state)]


def _middle(operation: Operation) -> list[Step]:
    """Between asking and the end: waiting, running, failing."""
    plugin, attempts = operation.plugin, operation.attempts
    run = f"Runs at {plugin}" if attempts <= 1 else f"Runs at {plugin} (attempt {attempts})"
    match State(operation.state):
        case State.QUEUED:
            return [
                Step("Waits for a worker", _why_it_waits(operation), "now"),
                Step(f"Runs at {plugin}", state="next"),
            ]
        case State.RUNNING:
            return [Step("Taken up by a worker"), Step(run, "The provider is being asked", "now")]
        case State.RETRYING:
            return [
                Step(run, _error(operation), "bad"),
                Step("Waits to retry", _why_it_waits(operation), "now"),
            ]
        case State.NEEDS_ATTENTION | State.FAILED:
            return [Step(run, _error(operation), "bad")]
        case State.CANCELLED:
            return []
    tries = f"{attempts} attempts" if attempts > 1 else ""
    return [Step(f"Ran at {plugin}", tries)]


def _last(operation: Operation) -> Step:
    match State(operation.state):
        case State.SUCCEEDED:
            return Step("Succeeded", when(operation.finished_at))
        case State.FAILED:
            return Step("Failed", when(operation.finished_at), "bad")
        case State.CANCELLED:
            return Step("Cancelled", when(operation.finished_at))
        case State.NEEDS_ATTENTION:
            return Step("Waits for a person", "", "now")
    return Step("Done", state="next")


def _error(operation: Operation) -> str:
    said = operation.error_detail or operation.error_code
    since = operation.failing_since
    return f"{said} Failing since {relative(since)}." if said and since else said


def _why_it_waits(operation: Operation) -> Any:
    if operation.run_after is not None and operation.run_after > now():
        begins = "Tried again" if operation.attempts else "Begins"
        return f"{begins} {relative(operation.run_after)}"
    if not workers().running:
        return "No worker is running: start one with manage.py worker"
    same = Operation.objects.filter(customer_id=operation.customer_id, plugin=operation.plugin)
    if same.filter(state=State.RUNNING).exclude(pk=operation.pk).exists():
        return "Another operation of this customer at this plugin goes first"
    return "One takes it up in a moment"
