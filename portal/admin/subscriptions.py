"""Subscriptions: a customer on a plan."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.actions import ConfirmedAction
from portal.admin.base import PortalModelAdmin
from portal.admin.export import Columns
from portal.admin.filters import parent_filter
from portal.admin.forms import ServiceForm
from portal.admin.search import of_customer_or_user
from portal.admin.show import link, list_link, moment, pill, when
from portal.core.actor import Actor
from portal.models import Customer, IssuedKey, Plan, Subscription
from portal.services.subscriptions import ALLOWED_STATUS, create_subscription, update_subscription


class SubscriptionForm(ServiceForm):
    class Meta:
        model = Subscription
        fields = ("customer", "plan", "external_id", "status")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("status")
        if self.instance.pk and isinstance(field, forms.ChoiceField):
            status = Subscription.Status(self.instance.status)
            field.choices = [
                (choice.value, choice.label)
                for choice in Subscription.Status
                if choice == status or (choice in ALLOWED_STATUS[status] and choice != choice.CANCELLED)
            ]


def _cancel(actor: Actor, subscription: Subscription, values: dict[str, Any]) -> None:
    update_subscription(actor, subscription.pk, {"status": Subscription.Status.CANCELLED})


def _consequences(subscriptions: Sequence[Subscription]) -> list[str]:
    alive = IssuedKey.objects.filter(subscription__in=subscriptions).alive().count()
    return [
        f"Keys made under it that will be revoked, for good: {alive}.",
        "A cancelled subscription can't be resumed; make a new one instead.",
    ]


CANCEL = ConfirmedAction(
    "cancel", "Cancel", "change", "cancelled", _cancel, _consequences, destructive=True,
    offered=lambda subscription: subscription.status != "cancelled",
)  # fmt: skip


@admin.register(Subscription)
class SubscriptionAdmin(PortalModelAdmin):
    form = SubscriptionForm
    confirmed = (CANCEL,)
    list_display = ("ids", "customer_shown", "plan", "state", "created")
    list_select_related = ("customer", "plan")
    list_filter = ("status", parent_filter(Customer, "customer"), parent_filter(Plan, "plan"))
    search_fields = ("public_id",)
    search_help_text = "A whole id or billing id, or the beginning of a customer's name."
    autocomplete_fields = ("customer", "plan")
    subtitle = "Which customer is on which plan. The newest live one counts."
    empty_title = "No subscriptions yet"
    empty_text = "Without one, a customer is on the plan “default”."

    def matches(self, term: str) -> Q:
        return (
            Q(public_id=term)
            | (Q(external_id=term) & ~Q(external_id=""))
            | of_customer_or_user(term, user="")
        )

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "external_id": "external_id", "customer": "customer__public_id",
            "customer_name": "customer__name", "plan": "plan__slug", "status": "status",
            "created_at": "created_at",
        }  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("customer", "plan", "external_id", "status")
        return ("customer_shown", "plan", "status", "external_id", "keys_shown", "created_shown")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("customer_shown", "keys_shown", "created_shown")

    @admin.display(description="Customer")
    def customer_shown(self, subscription: Subscription) -> SafeString | str:
        return link(subscription.customer)

    @admin.display(description="Status")
    def state(self, subscription: Subscription) -> SafeString:
        return pill(subscription.status)

    @admin.display(description="Id, billing id")
    def ids(self, subscription: Subscription) -> SafeString:
        return format_html(
            '<span class="id">{}</span><span class="below">{}</span>',
            subscription.public_id, subscription.external_id,
        )  # fmt: skip

    @admin.display(description="Created")
    def created(self, subscription: Subscription) -> SafeString | str:
        return when(subscription.created_at)

    @admin.display(description="Created")
    def created_shown(self, subscription: Subscription) -> SafeString | str:
        return moment(subscription.created_at)

    @admin.display(description="Keys")
    def keys_shown(self, subscription: Subscription) -> SafeString | str:
        return list_link(IssuedKey, "Keys made under it", subscription__id__exact=subscription.pk)

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Subscription:
        if change:
            return update_subscription(actor, found.pk, form.changes("plan", "external_id", "status"))
        values = form.cleaned_data
        return create_subscription(
            actor, values["customer"].pk, plan=values["plan"], external_id=values["external_id"],
            status=values["status"],
        )  # fmt: skip
