"""Audit events: append-only, and read-only here."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.audit_filter import AuditFilter, objects
from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.filters import parent_filter
from portal.admin.history import detail, facts
from portal.admin.mentioned import Mentioned
from portal.admin.show import NOTHING, code, link, moment, when
from portal.models import AuditEvent, Customer


class AuditChangeList(ChangeList):
    """Looks up together whom and what the entries of one page name."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        mentioned = Mentioned.by(self.result_list)
        for event in self.result_list:
            event.mentioned = mentioned


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("when_shown", "action_shown", "subject_and_customer", "who", "what")
    list_display_links = ("action_shown",)
    list_select_related = ("customer",)
    list_filter = (AuditFilter, parent_filter(Customer, "customer"))
    search_fields = ("object",)
    search_help_text = (
        "A whole id of an entry, object, person, token or customer, or an action such as key.revoked."
    )
    subtitle = "Who did what, chained so that tampering shows. The command verify_audit checks the chains."
    empty_title = "Nothing happened yet"
    fields = ("action_shown", "subject", "who", "customer_shown", "at_shown", "details", "place")

    def matches(self, term: str) -> Q:
        kind = {"usr": "user", "tok": "token"}.get(term.partition("_")[0], "system")
        named = objects(term) | Q(public_id=term) | Q(actor=f"{kind} {term}") | Q(action=term)
        customer = Customer.objects.filter(Q(public_id=term) | Q(external_id=term))
        found = list(customer.values_list("pk", flat=True))
        return named | Q(customer_id__in=found) if found else named

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("mac")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AuditChangeList

    def get_ordering(self, request: HttpRequest) -> Any:
        """Days are found by their index, then in its order."""
        by_day = request.GET.get("f_since") or request.GET.get("f_until")
        return ("-at", "-id") if by_day else self.ordering

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "at": "at", "actor": "actor", "action": "action", "object": "object",
            "customer": "customer__public_id", "detail": "detail", "chain": "chain", "number": "number",
        }  # fmt: skip

    def name_of(self, found: AuditEvent) -> str:
        return f"{found.action} {found.object}"

    # Columns and details

    @admin.display(description="Action")
    def action_shown(self, event: AuditEvent) -> SafeString | str:
        return code(event.action)

    @admin.display(description="Object and customer")
    def subject_and_customer(self, event: AuditEvent) -> SafeString | str:
        if event.customer is None or event.object == event.customer.public_id:
            return self.subject(event)
        return format_html('{}<span class="below">{}</span>', self.subject(event), link(event.customer))

    @admin.display(description="Object")
    def subject(self, event: AuditEvent) -> SafeString | str:
        return _mentioned(event).object(event.object)

    @admin.display(description="Customer")
    def customer_shown(self, event: AuditEvent) -> SafeString | str:
        return link(event.customer)

    @admin.display(description="By")
    def who(self, event: AuditEvent) -> SafeString | str:
        return _mentioned(event).actor(event.actor)

    @admin.display(description="Details")
    def what(self, event: AuditEvent) -> str:
        return detail(event.detail) or NOTHING

    @admin.display(description="Details")
    def details(self, event: AuditEvent) -> SafeString | str:
        return facts(event)

    @admin.display(description="When")
    def when_shown(self, event: AuditEvent) -> SafeString | str:
        return when(event.at)

    @admin.display(description="When")
    def at_shown(self, event: AuditEvent) -> SafeString | str:
        return moment(event.at)

    @admin.display(description="Place")
    def place(self, event: AuditEvent) -> str:
        return f"Number {event.number} of the chain {event.chain}"


def _mentioned(event: Any) -> Mentioned:
    """Found for the whole page at once in lists, for the one entry on its page."""
    if not hasattr(event, "mentioned"):
        event.mentioned = Mentioned.by([event])
    found: Mentioned = event.mentioned
    return found
