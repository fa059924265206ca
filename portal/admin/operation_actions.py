"""What staff do to operations: retry and cancel."""

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.advice import CONFIRM_ABSENT, asks_to_confirm
from portal.core.actor import Actor
from portal.models import Operation
from portal.services.operations.change import cancel_operation, retry_operation

State = Operation.State


class RetryForm(ActionForm):
    confirm_absent = forms.BooleanField(
        required=False, label="I looked at the provider: nothing was created",
        help_text="Only when an answer was lost and can't be looked up. When in doubt, leave it off.",
    )  # fmt: skip


def _retry(actor: Actor, operation: Operation, values: dict[str, Any]) -> str:
    retry_operation(actor, operation.pk, confirm_absent=values["confirm_absent"])
    return f"{operation.public_id} is queued; a worker takes it up."


class AbsentForm(ActionForm):
    looked = forms.BooleanField(label="I looked at the provider: it isn't there")


def _retry_absent(actor: Actor, operation: Operation, values: dict[str, Any]) -> str:
    return _retry(actor, operation, {"confirm_absent": True})


def _cancel(actor: Actor, operation: Operation, values: dict[str, Any]) -> str:
    if cancel_operation(actor, operation.pk).state == State.CANCELLED:
        return f"{operation.public_id} is cancelled. Nothing was created."
    return f"{operation.public_id} is being cancelled: what it created is removed first."


def _about_retrying(operations: Sequence[Operation]) -> list[str]:
    return [
        "A worker runs it again at once.",
        "It looks first for what an earlier attempt left, so nothing is created twice.",
    ]


def _about_confirming(operations: Sequence[Operation]) -> list[str]:
    (operation,) = operations
    told = [f"What was said: {operation.error_detail}"] if operation.error_detail else []
    if operation.only_removes:
        return [
            *told,
            "The operation ends, and what it was to remove counts as removed.",
            "If it is there after all, it lives on at the provider, and nobody looks for it again.",
        ]
    return [
        *told,
        "A worker creates it anew at once.",
        "If it is there after all, there are two then, and nobody looks after the first.",
    ]


def _about_cancelling(operations: Sequence[Operation]) -> list[str]:
    told = [
        "One that hasn't begun ends at once, and nothing was created.",
        "One that has begun may have created a key: a worker removes that first, and then it ends.",
        "An account at the provider that the customer shares stays for the next time.",
    ]
    if any(operation.kind == Operation.Kind.REVOKE_KEY for operation in operations):
        told.append("A revocation is never taken back: it is refused here.")
    return told


def _may_cancel(operation: Operation) -> bool:
    return (
        operation.state in (*Operation.WAITING, State.RUNNING)
        and operation.kind != Operation.Kind.REVOKE_KEY
        and not operation.cancel_requested
    )


ACTIONS = (
    ConfirmedAction(
        "retry", "Retry", "retry", "queued", _retry, _about_retrying, form=RetryForm,
        offered=lambda operation: operation.state in Operation.WAITING,
    ),
    ConfirmedAction(
        "retry_absent", CONFIRM_ABSENT, "retry", "queued", _retry_absent, _about_confirming,
        form=AbsentForm, one=True, primary=True, offered=asks_to_confirm,
    ),
    ConfirmedAction(
        "cancel", "Cancel", "cancel", "cancelled", _cancel, _about_cancelling, destructive=True,
        offered=_may_cancel,
    ),
)  # fmt: skip
