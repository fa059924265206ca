"""Plans: what their customers' keys may be."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin.base import PortalModelAdmin
from portal.admin.export import Columns
from portal.admin.fields import Words
from portal.admin.forms import ServiceForm
from portal.admin.paginator import bounded_count, shown_count
from portal.admin.search import name_begins
from portal.admin.show import code, list_link, moment, words
from portal.core.actor import Actor
from portal.core.plugins import registry
from portal.models import Plan, Subscription
from portal.services.plans import FIELDS, create_plan, update_plan


class PlanForm(ServiceForm):
    scopes = Words(
        required=False, max_length=4000, widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Scopes that keys may have, with blanks between: orders:read orders:write",
    )  # fmt: skip
    plugins = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all enabled plugins."
    )

    class Meta:
        model = Plan
        fields = ("name", "slug", *(name for name in FIELDS if name != "name"))
        labels = {"max_keys": "Most keys", "max_lifetime": "Longest lifetime"}
        help_texts = {
            "slug": "How the API and billing call it. It can't be changed later.",
            "max_keys": "Living keys a customer may have. Empty: no limit.",
            "requires_subscription": "Customers need a live subscription to make keys.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("plugins")
        if isinstance(field, forms.MultipleChoiceField):
            slugs = dict.fromkeys([*registry().slugs, *self.instance.plugins])
            field.choices = [(slug, slug) for slug in slugs]


@admin.register(Plan)
class PlanAdmin(PortalModelAdmin):
    form = PlanForm
    list_display = (
        "name",
        "slug_shown",
        "max_keys_shown",
        "lifetime",
        "scopes_shown",
        "subscription_needed",
        "listed_shown",
    )
    list_filter = ("listed", "requires_subscription")
    search_fields = ("slug",)
    search_help_text = "A slug, or the beginning of a name."
    subtitle = "Customers without a subscription are on the plan “default”."

    def matches(self, term: str) -> Q:
        return Q(slug=term.lower()) | name_begins("name", term)

    def export_columns(self) -> Columns:
        return {
            "slug": "slug", "name": "name", "description": "description", "listed": "listed",
            "max_keys": "max_keys", "max_lifetime": "max_lifetime", "scopes": "scopes",
            "plugins": "plugins", "requires_subscription": "requires_subscription",
            "created_at": "created_at",
        }  # fmt: skip

    def name_of(self, found: Plan) -> str:
        return found.name or found.slug

    def audit_objects(self, found: Plan) -> list[str]:
        return [f"plan_{found.slug}"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        about = () if obj is None else ("subscriptions_shown", "created")
        return [
            (None, {"fields": ("name", "slug", "description", *about)}),
            ("What keys may be", {"fields": ("max_keys", "max_lifetime", "scopes", "plugins")}),
            ("Who may have them", {"fields": ("listed", "requires_subscription")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("slug", "subscriptions_shown", "created")

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {"slug": ("name",)} if obj is None else {}

    @admin.display(description="Slug")
    def slug_shown(self, plan: Plan) -> SafeString | str:
        return code(plan.slug)

    @admin.display(description="Most keys")
    def max_keys_shown(self, plan: Plan) -> str:
        return "No limit" if plan.max_keys is None else f"{plan.max_keys:,}"

    @admin.display(description="Longest lifetime")
    def lifetime(self, plan: Plan) -> str:
        return plan.max_lifetime or "No limit"

    @admin.display(description="Scopes")
    def scopes_shown(self, plan: Plan) -> SafeString | str:
        return words(plan.scopes[:6])

    @admin.display(description="Needs a subscription")
    def subscription_needed(self, plan: Plan) -> str:
        return "Yes" if plan.requires_subscription else "No"

    @admin.display(description="In the catalogue")
    def listed_shown(self, plan: Plan) -> str:
        return "Yes" if plan.listed else "No"

    @admin.display(description="Created")
    def created(self, plan: Plan) -> SafeString | str:
        return moment(plan.created_at)

    @admin.display(description="Subscriptions")
    def subscriptions_shown(self, plan: Plan) -> SafeString | str:
        number = bounded_count(Subscription.objects.filter(plan=plan))
        return list_link(Subscription, shown_count(number), plan__id__exact=plan.pk) if number else "None"

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Plan:
        if change:
            return update_plan(actor, found.pk, form.changes(*FIELDS))
        values = {name: form.cleaned_data[name] for name in FIELDS}
        return create_plan(actor, slug=form.cleaned_data["slug"], **values)
