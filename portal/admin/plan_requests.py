"""Requests for another plan: customers ask, staff approve or decline."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.filters import parent_filter
from portal.admin.plan_request_actions import ACTIONS, keys_and_plan, plan_now
from portal.admin.search import of_customer_or_user
from portal.admin.show import NOTHING, describe, link, moment, pill, when
from portal.models import Customer, Plan, PlanRequest

_TONES = {"asked": "pending", "approved": "active", "declined": "failed", "withdrawn": "withdrawn"}
"""Status → a state that has the same colour."""


@admin.register(PlanRequest)
class PlanRequestAdmin(ReadOnlyAdmin):
    confirmed = ACTIONS
    list_display = ("wish", "state", "note", "asked")
    list_select_related = ("customer", "plan")
    list_filter = ("status", parent_filter(Customer, "customer"), parent_filter(Plan, "plan"))
    search_fields = ("public_id",)
    search_help_text = "A whole request id, or the beginning of a customer's name."
    subtitle = "Customers ask for another plan on their page with the plans. Each waits for an answer."
    empty_title = "No requests yet"
    empty_text = "They appear when a customer's admin or owner asks for another plan."

    def heading(self, found: PlanRequest) -> str:
        return f"{describe(found.customer)} asks for {found.plan}"

    name_of = heading

    # Lists

    def matches(self, term: str) -> Q:
        return Q(public_id=term) | of_customer_or_user(term, user="asked_by_id")

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "customer": "customer__public_id", "customer_name": "customer__name",
            "plan": "plan__slug", "asked_by": "asked_by__public_id", "note": "note", "status": "status",
            "answer": "answer", "created_at": "created_at", "decided_at": "decided_at",
        }  # fmt: skip

    @admin.display(description="Customer, plan")
    def wish(self, request: PlanRequest) -> SafeString:
        return format_html('{}<span class="below">{}</span>', describe(request.customer), request.plan)

    @admin.display(description="Status")
    def state(self, request: PlanRequest) -> SafeString:
        return pill(_TONES[request.status], request.get_status_display())

    @admin.display(description="Asked")
    def asked(self, request: PlanRequest) -> SafeString | str:
        return when(request.created_at)

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = obj.status == PlanRequest.Status.ASKED
        now = ("plan_now", "keys") if asked else ()
        parts = [
            (
                None,
                {
                    "fields": (
                        "customer_link",
                        "plan_link",
                        *now,
                        "state",
                        "asked_by_link",
                        "note_shown",
                        "asked_at",
                    )
                },
            )
        ]
        return parts if asked else [*parts, ("Answer", {"fields": ("answer_shown", "decided")})]

    @admin.display(description="Customer")
    def customer_link(self, request: PlanRequest) -> SafeString | str:
        return link(request.customer)

    @admin.display(description="Asks for")
    def plan_link(self, request: PlanRequest) -> SafeString | str:
        return link(request.plan)

    @admin.display(description="Is on")
    def plan_now(self, request: PlanRequest) -> str:
        return plan_now(request)

    @admin.display(description="Keys")
    def keys(self, request: PlanRequest) -> str:
        return keys_and_plan(request)

    @admin.display(description="Asked by")
    def asked_by_link(self, request: PlanRequest) -> SafeString | str:
        return link(request.asked_by)

    @admin.display(description="Note")
    def note_shown(self, request: PlanRequest) -> str:
        return request.note or NOTHING

    @admin.display(description="Asked")
    def asked_at(self, request: PlanRequest) -> SafeString | str:
        return moment(request.created_at)

    @admin.display(description="What was answered")
    def answer_shown(self, request: PlanRequest) -> str:
        return request.answer or NOTHING

    @admin.display(description="When")
    def decided(self, request: PlanRequest) -> SafeString | str:
        return moment(request.decided_at)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.decide_planrequest")
