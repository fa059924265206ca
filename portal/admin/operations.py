"""Operations: durable provisioning work; retried or cancelled here."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.base import ReadOnlyAdmin
from portal.admin.filters import PluginFilter, parent_filter
from portal.admin.search import of_customer_or_user
from portal.admin.show import NOTHING, code, link, moment, pill, when
from portal.core.actor import Actor
from portal.models import Customer, IssuedKey, Operation
from portal.services.operations import cancel_operation, retry_operation

State = Operation.State


class RetryForm(ActionForm):
    confirm_absent = forms.BooleanField(
        required=False, label="I looked at the provider: nothing was created",
        help_text="Only when an answer was lost and can't be looked up. When in doubt, leave it off.",
    )  # fmt: skip


def _retry(actor: Actor, operation: Operation, values: dict[str, Any]) -> str:
    retry_operation(actor, operation.pk, confirm_absent=values["confirm_absent"])
    return f"{operation.public_id} is queued; a worker takes it up."


def _cancel(actor: Actor, operation: Operation, values: dict[str, Any]) -> None:
    cancel_operation(actor, operation.pk)


def _about_retrying(operations: Sequence[Operation]) -> list[str]:
    return [
        "A worker runs it again at once.",
        "Recovery looks first for what an earlier attempt left, so nothing is created twice.",
    ]


def _about_cancelling(operations: Sequence[Operation]) -> list[str]:
    return [
        "Only an operation that hasn't begun can be cancelled; its key then counts as failed.",
        "One that may have created something is refused here: revoke its key instead.",
    ]


ACTIONS = (
    ConfirmedAction(
        "retry", "Retry", "retry", "queued", _retry, _about_retrying, form=RetryForm,
        offered=lambda operation: operation.state in (State.QUEUED, State.RETRYING, State.NEEDS_ATTENTION),
    ),
    ConfirmedAction(
        "cancel", "Cancel", "cancel", "cancelled", _cancel, _about_cancelling, destructive=True,
        offered=lambda operation: operation.state in (State.QUEUED, State.RETRYING, State.NEEDS_ATTENTION)
        and not operation.attempts,
    ),
)  # fmt: skip


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    confirmed = ACTIONS
    list_display = (
        "kind_shown",
        "public_id",
        "customer_shown",
        "plugin",
        "status",
        "attempts",
        "error",
        "created",
    )
    list_select_related = ("customer",)
    list_filter = (
        "state", "kind", PluginFilter, parent_filter(Customer, "customer"), parent_filter(IssuedKey, "key"),
    )  # fmt: skip
    search_fields = ("public_id",)
    search_help_text = "A whole operation or key id, a customer or the beginning of an e-mail address."
    subtitle = "Provisioning work. Each survives crashes and ends once; those that need a person say so."
    empty_title = "No operations yet"
    empty_text = "They appear when keys are issued or revoked and when people are provisioned."
    fieldsets = (
        (None, {"fields": ("kind_shown", "status", "plugin", "customer_link", "user_link", "key_link")}),
        ("Error", {"fields": ("error_code_shown", "error_detail_shown")}),
        ("Runs", {"fields": ("attempts", "crashes", "created_at_shown", "next_run", "finished", "run_by")}),
    )

    def matches(self, term: str) -> Q:
        if term.startswith("op_"):
            return Q(public_id=term)
        if term.startswith("key_"):
            return Q(key_id__in=list(IssuedKey.objects.filter(public_id=term).values_list("pk", flat=True)))
        return of_customer_or_user(term)

    def listed(self, found: Operation) -> str:
        return (
            f"{found.public_id} · {found.get_kind_display()} · {found.customer} · {found.get_state_display()}"
        )

    @admin.display(description="Work")
    def kind_shown(self, operation: Operation) -> str:
        return operation.get_kind_display()

    @admin.display(description="Status")
    def status(self, operation: Operation) -> SafeString:
        return pill(operation.state)

    @admin.display(description="Customer")
    def customer_shown(self, operation: Operation) -> SafeString | str:
        return link(operation.customer)

    customer_link = customer_shown

    @admin.display(description="Error")
    def error(self, operation: Operation) -> SafeString | str:
        return code(operation.error_code)

    @admin.display(description="Created")
    def created(self, operation: Operation) -> SafeString | str:
        return when(operation.created_at)

    @admin.display(description="User")
    def user_link(self, operation: Operation) -> SafeString | str:
        return link(operation.user)

    @admin.display(description="Key")
    def key_link(self, operation: Operation) -> SafeString | str:
        return link(operation.key)

    @admin.display(description="Code")
    def error_code_shown(self, operation: Operation) -> SafeString | str:
        return code(operation.error_code)

    @admin.display(description="Detail")
    def error_detail_shown(self, operation: Operation) -> str:
        return operation.error_detail or NOTHING

    @admin.display(description="Created")
    def created_at_shown(self, operation: Operation) -> SafeString | str:
        return moment(operation.created_at)

    @admin.display(description="Next run")
    def next_run(self, operation: Operation) -> SafeString | str:
        waits = operation.state in (State.QUEUED, State.RETRYING)
        return moment(operation.run_after) if waits else NOTHING

    @admin.display(description="Finished")
    def finished(self, operation: Operation) -> SafeString | str:
        return moment(operation.finished_at)

    @admin.display(description="Run by")
    def run_by(self, operation: Operation) -> SafeString | str:
        return code(operation.owner)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.retry_operation")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.cancel_operation")
