"""Audit events: append-only, and read-only here."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin.base import ReadOnlyAdmin
from portal.admin.filters import parent_filter
from portal.admin.history import actor_name, detail
from portal.admin.search import MOST, users
from portal.admin.show import NOTHING, code, link, moment, when
from portal.models import AuditEvent, Customer, User
from portal.services.audit import Action


class NounFilter(SimpleListFilter):
    """What an entry is about: keys, customers, signing keys …"""

    title = "subject"
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        nouns = dict.fromkeys(action.partition(".")[0] for action in Action)
        return [(noun, noun.replace("_", " ").capitalize()) for noun in nouns]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(
            action__in=[action for action in Action if action.startswith(f"{self.value()}.")]
        )


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("action_shown", "subject", "customer_shown", "who", "what", "when_shown")
    list_select_related = ("customer",)
    list_filter = (NounFilter, parent_filter(Customer, "customer"))
    search_fields = ("object",)
    search_help_text = (
        "A whole id of an object or customer, an action such as key.revoked, or an e-mail address."
    )
    subtitle = "Who did what, chained so that tampering shows. The command verify_audit checks the chains."
    empty_title = "Nothing happened yet"
    fields = ("action_shown", "subject", "who_shown", "customer_shown", "at_shown", "what", "place")

    def matches(self, term: str) -> Q:
        if "@" in term:
            found = User.objects.filter(users(term)).values_list("public_id", flat=True)[:MOST]
            return Q(object__in=list(found)) | Q(actor__in=[f"user {public_id}" for public_id in found])
        kind = {"usr": "user", "tok": "token"}.get(term.partition("_")[0], "system")
        customer = list(
            Customer.objects.filter(Q(public_id=term) | Q(external_id=term)).values_list("pk", flat=True)
        )
        named = Q(public_id=term) | Q(object=term) | Q(actor=f"{kind} {term}") | Q(action=term)
        return named | Q(customer_id__in=customer) if customer else named

    def get_queryset(self, request: HttpRequest) -> Any:
        person = User.objects.filter(public_id=Substr(OuterRef("actor"), len("user ") + 1))
        rows = super().get_queryset(request).defer("mac")
        return rows.annotate(actor_email=Subquery(person.values("email")[:1]))

    @admin.display(description="Action")
    def action_shown(self, event: AuditEvent) -> SafeString | str:
        return code(event.action)

    @admin.display(description="Object")
    def subject(self, event: AuditEvent) -> SafeString | str:
        return event.object

    @admin.display(description="Customer")
    def customer_shown(self, event: AuditEvent) -> SafeString | str:
        return link(event.customer)

    @admin.display(description="By")
    def who(self, event: AuditEvent) -> str:
        return getattr(event, "actor_email", None) or actor_name(event.actor, {})

    @admin.display(description="By")
    def who_shown(self, event: AuditEvent) -> SafeString | str:
        user = User.objects.filter(public_id=event.actor.removeprefix("user ")).first()
        return link(user) if user else actor_name(event.actor, {})

    @admin.display(description="Details")
    def what(self, event: AuditEvent) -> str:
        return detail(event.detail) or NOTHING

    @admin.display(description="When")
    def when_shown(self, event: AuditEvent) -> SafeString | str:
        return when(event.at)

    @admin.display(description="When")
    def at_shown(self, event: AuditEvent) -> SafeString | str:
        return moment(event.at)

    @admin.display(description="Place")
    def place(self, event: AuditEvent) -> str:
        return f"Number {event.number} of the chain {event.chain}"
