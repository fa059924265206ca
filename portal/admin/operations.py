"""Operations: durable provisioning work; looked at, retried and cancelled here."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.advice import advice
from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.filters import PluginFilter, TroubleFilter, parent_filter
from portal.admin.operation_actions import ACTIONS
from portal.admin.progress import progress
from portal.admin.search import of_customer_or_user
from portal.admin.show import NOTHING, code, link, moment, pill, relative, when
from portal.admin.trouble import is_stuck
from portal.core.clock import now
from portal.models import Customer, IssuedKey, Operation

State = Operation.State


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    confirmed = ACTIONS
    change_form_template = "admin/portal/operation.html"
    list_display = (
        "work",
        "customer_shown",
        "status_and_next",
        "to_do",
        "created",
    )
    list_select_related = ("customer",)
    list_filter = (
        TroubleFilter, "state", "kind", PluginFilter, parent_filter(Customer, "customer"),
        parent_filter(IssuedKey, "key"),
    )  # fmt: skip
    search_fields = ("public_id",)
    search_help_text = "A whole operation or key id, a customer or the beginning of an e-mail address."
    subtitle = "Provisioning work. Each survives crashes and ends once; those that need a person say so."
    empty_title = "No operations yet"
    empty_text = "They appear when keys are issued or revoked and when people are provisioned."
    fieldsets = (
        (None, {"fields": ("kind_shown", "status", "plugin", "customer_link", "user_link", "key_link")}),
        ("Error", {"fields": ("error_code_shown", "error_detail_shown", "failing", "advice_shown")}),
        ("Runs", {"fields": ("attempts", "crashes", "created_at_shown", "next_run", "finished", "run_by")}),
    )

    def heading(self, found: Operation) -> str:
        return f"{found.get_kind_display()} at {found.plugin}"

    # Lists

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

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "kind": "kind", "plugin": "plugin", "status": "state",
            "customer": "customer__public_id", "customer_name": "customer__name", "user": "user__public_id",
            "key": "key__public_id", "attempts": "attempts", "crashes": "crashes",
            "error_code": "error_code", "error_detail": "error_detail", "failing_since": "failing_since",
            "next_try_at": "run_after", "created_at": "created_at", "finished_at": "finished_at",
        }  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the part about errors when there is none."""
        return [part for part in self.fieldsets if part[0] != "Error" or obj.error_code]

    @admin.display(description="Work")
    def work(self, operation: Operation) -> SafeString:
        return format_html('{}<span class="below">{}</span>', operation.get_kind_display(), operation.plugin)

    @admin.display(description="Work")
    def kind_shown(self, operation: Operation) -> str:
        return operation.get_kind_display()

    @admin.display(description="Status")
    def status(self, operation: Operation) -> SafeString:
        if operation.cancel_requested and operation.state in (*Operation.OPEN, State.NEEDS_ATTENTION):
            return pill("revoking", "Being cancelled")
        return pill(operation.state)

    @admin.display(description="Customer")
    def customer_shown(self, operation: Operation) -> SafeString | str:
        return link(operation.customer)

    customer_link = customer_shown

    @admin.display(description="Status")
    def status_and_next(self, operation: Operation) -> SafeString:
        tried = f"{operation.attempts} attempt{'s' * (operation.attempts != 1)}"
        if operation.state not in Operation.WAITING:
            below: SafeString | str = tried if operation.attempts > 1 else ""
        elif operation.attempts:
            below = format_html("{}, {}", tried, self._next_try(operation))
        else:
            below = self._next_try(operation)
        return format_html('{}<span class="below">{}</span>', self.status(operation), below)

    def _next_try(self, operation: Operation) -> SafeString | str:
        due = operation.run_after
        if due is None:
            return "not tried by itself"
        if is_stuck(operation):
            return format_html('<span class="bad">due {}</span>', relative(due))
        return format_html("next {}", when(due)) if due > now() else "due now"

    @admin.display(description="What to do")
    def to_do(self, operation: Operation) -> SafeString | str:
        problem = operation.state in (*Operation.WAITING, State.FAILED) and (
            operation.error_code or is_stuck(operation)
        )
        if not problem:
            return NOTHING
        why = format_html("{} ", code(operation.error_code)) if operation.error_code else ""
        return format_html('<div class="to-do">{}{}</div>', why, advice(operation))

    @admin.display(description="Created")
    def created(self, operation: Operation) -> SafeString | str:
        return when(operation.created_at)

    # Details

    @admin.display(description="User")
    def user_link(self, operation: Operation) -> SafeString | str:
        return link(operation.user)

    @admin.display(description="Key")
    def key_link(self, operation: Operation) -> SafeString | str:
        return link(operation.key)

    @admin.display(description="Code")
    def error_code_shown(self, operation: Operation) -> SafeString | str:
        return code(operation.error_code)

    @admin.display(description="What happened")
    def error_detail_shown(self, operation: Operation) -> str:
        return operation.error_detail or NOTHING

    @admin.display(description="Failing since")
    def failing(self, operation: Operation) -> SafeString | str:
        return moment(operation.failing_since)

    @admin.display(description="What to do")
    def advice_shown(self, operation: Operation) -> str:
        return advice(operation) or NOTHING

    @admin.display(description="Created")
    def created_at_shown(self, operation: Operation) -> SafeString | str:
        return moment(operation.created_at)

    @admin.display(description="Next try")
    def next_run(self, operation: Operation) -> SafeString | str:
        if operation.state not in Operation.WAITING:
            return NOTHING
        return moment(operation.run_after) if operation.run_after else "Not by itself: press Retry"

    @admin.display(description="Finished")
    def finished(self, operation: Operation) -> SafeString | str:
        return moment(operation.finished_at)

    @admin.display(description="Run by")
    def run_by(self, operation: Operation) -> SafeString | str:
        return code(operation.owner)

    # Progress

    def get_urls(self) -> list[Any]:
        view, part = map(self.admin_site.admin_view, (self.progress_view, self.progress_part_view))
        return [
            path("<int:object_id>/progress/", view, name="portal_operation_progress"),
            path("<int:object_id>/progress/part/", part, name="portal_operation_progress_part"),
            *super().get_urls(),
        ]

    def progress_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Where an operation stands, kept up to date until it has ended."""
        operation = self._followed(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{operation.get_kind_display()} at {operation.plugin}",
            "opts": self.opts, "media": self.media, **self._progress(request, operation),
        }  # fmt: skip
        return TemplateResponse(request, "admin/portal/progress.html", context)

    def progress_part_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The part of that page that changes, for the script that asks again."""
        context = self._progress(request, self._followed(request, object_id))
        return TemplateResponse(
            request, "admin/portal/_progress.html", context, headers={"Cache-Control": "no-store"}
        )

    def _followed(self, request: HttpRequest, object_id: int) -> Operation:
        """Those who may ask for work may see how it goes, too."""
        may = ("view_operation", "provision_customer", "issue_issuedkey")
        if not any(request.user.has_perm(f"portal.{name}") for name in may):
            raise PermissionDenied
        operation = Operation.objects.select_related("customer", "user", "key").filter(pk=object_id).first()
        if operation is None:
            raise Http404
        return operation

    def _progress(self, request: HttpRequest, operation: Operation) -> dict[str, Any]:
        sees = self.has_view_permission(request)
        return {
            "progress": progress(operation),
            "part_url": reverse("admin:portal_operation_progress_part", args=[operation.pk]),
            "status_pill": self.status(operation),
            "customer_link": self.customer_link(operation),
            "user_link": self.user_link(operation),
            "key_link": self.key_link(operation),
            "operation_link": link(operation) if sees else code(operation.public_id),
            "tools": self.object_tools(request, operation) if sees else [],
        }  # fmt: skip

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        operation = context["original"]
        if not progress(operation).ended:
            context.update(self._progress(request, operation))
        return super().render_change_form(request, context, *args, **kwargs)

    # Permissions of the actions

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.retry_operation")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.cancel_operation")
