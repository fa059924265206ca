"""Customers: the companies that use the API."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.accounts import account_ids, accounts_of
from portal.admin.actions import ConfirmedAction
from portal.admin.base import PortalModelAdmin
from portal.admin.customer_actions import ACTIONS
from portal.admin.customer_work import ACTIONS as WORK
from portal.admin.export import Columns
from portal.admin.forms import ServiceForm
from portal.admin.memberships import MembersInline
from portal.admin.paginator import bounded_count, shown_count
from portal.admin.search import customers
from portal.admin.show import code, lines, link, list_link, moment, pill, when
from portal.core.actor import Actor
from portal.models import Customer, IssuedKey, Membership, Operation, Subscription
from portal.services.customers import create_customer, update_customer

SHOWN_HERE = 5
CHANGED_HERE = ("name", "email", "external_id", "status_reason")
MOST_MEMBERS_INLINE = 50
NO_ACCOUNTS = "No accounts at gateways or identity providers."


class CustomerForm(ServiceForm):
    class Meta:
        model = Customer
        fields = ("name", "email", "external_id", "status", "status_reason")
        help_texts = {
            "email": "Where billing and security notices go. Members sign in with their own addresses.",
            "external_id": "The id that billing and token claims know. Fixed once a key exists; "
            "left empty at first, it is the portal's own id.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "external_id" in self.fields and self.instance.pk is None:
            self.fields["external_id"].required = False
        if "status" in self.fields:
            field = self.fields["status"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("active", "Active"), ("pending", "Pending: gets no keys yet")]


@admin.register(Customer)
class CustomerAdmin(PortalModelAdmin):
    form = CustomerForm
    confirmed: tuple[ConfirmedAction, ...] = (*WORK, *ACTIONS)
    list_display = ("name_shown", "external", "email", "state", "created")
    list_filter = ("status",)
    search_fields = ("public_id",)
    search_help_text = (
        "The beginning of a name, or a whole id, external id, e-mail address or id at a provider."
    )
    subtitle = "Companies that use your API. Their people, plans and keys hang on them."
    empty_title = "No customers yet"
    empty_text = (
        "Add the first one here, or create customers from your billing system over the management API."
    )

    # Lists

    def matches(self, term: str) -> Q:
        return customers(term)

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "external_id": "external_id", "name": "name", "email": "email",
            "status": "status", "created_at": "created_at", "deleted_at": "deleted_at",
            "accounts": account_ids(),
        }  # fmt: skip

    @admin.display(description="Name")
    def name_shown(self, customer: Customer) -> str:
        return self.name_of(customer)

    @admin.display(description="External id")
    def external(self, customer: Customer) -> SafeString | str:
        return code(customer.external_id)

    @admin.display(description="Status")
    def state(self, customer: Customer) -> SafeString:
        return pill(customer.status, "Deleted" if customer.deleted_at else None)

    @admin.display(description="Created")
    def created(self, customer: Customer) -> SafeString | str:
        return when(customer.created_at)

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "email", "external_id", "status")})]
        reason = () if obj.status == Customer.Status.ACTIVE else ("status_reason",)
        return [
            (None, {"fields": ("name", "email", "external_id", "state", *reason, "created_at_shown")}),
            ("Plan and keys", {"fields": self._visible(request)}),
            (
                "People and accounts",
                {"fields": (*self._unless_inline(request, obj), *self._accounts(request))},
            ),
        ]

    def _visible(self, request: HttpRequest) -> tuple[str, ...]:
        """What belongs to a customer is shown to those who may see it elsewhere, too."""
        fields = {
            "view_subscription": "subscriptions_shown",
            "view_issuedkey": "keys_shown",
            "view_operation": "operations_shown",
        }
        return tuple(
            field for permission, field in fields.items() if request.user.has_perm(f"portal.{permission}")
        )

    def _accounts(self, request: HttpRequest) -> tuple[str, ...]:
        """People's with their e-mail addresses, for those who may see people."""
        return ("accounts_shown",) if request.user.has_perm("portal.view_user") else ("own_accounts_shown",)

    def _unless_inline(self, request: HttpRequest, customer: Customer) -> tuple[str, ...]:
        return (
            ()
            if self.get_inlines(request, customer) and customer.memberships.exists()
            else ("members_shown",)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        fixed = ("external_id",) if IssuedKey.objects.filter(customer=obj).exists() else ()
        return (
            *fixed, "state", "created_at_shown", "subscriptions_shown", "keys_shown",
            "operations_shown", "members_shown", "accounts_shown", "own_accounts_shown",
        )  # fmt: skip

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        if obj is None or obj.deleted_at is not None:
            return []
        many = (
            Membership.objects.filter(customer=obj)[: MOST_MEMBERS_INLINE + 1].count() > MOST_MEMBERS_INLINE
        )
        return [] if many else [MembersInline]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.deleted_at is not None:
            return False
        return super().has_change_permission(request, obj)

    @admin.display(description="Created")
    def created_at_shown(self, customer: Customer) -> SafeString | str:
        return moment(customer.created_at)

    @admin.display(description="Subscriptions")
    def subscriptions_shown(self, customer: Customer) -> SafeString | str:
        rows = Subscription.objects.filter(customer=customer).select_related("plan").order_by("-id")
        shown = [
            format_html("{} on {} {}", link(row), link(row.plan), pill(row.status))
            for row in rows[:SHOWN_HERE]
        ]
        return self._lines(shown, rows, Subscription, customer, "None: the default plan counts.")

    @admin.display(description="Keys")
    def keys_shown(self, customer: Customer) -> SafeString | str:
        rows = IssuedKey.objects.filter(customer=customer).order_by("-id")
        shown = [
            format_html("{} {} {}", link(row, row.name), code(row.public_id), pill(row.shown_status))
            for row in rows[:SHOWN_HERE]
        ]
        return self._lines(shown, rows, IssuedKey, customer, "No keys yet.")

    @admin.display(description="Operations")
    def operations_shown(self, customer: Customer) -> SafeString | str:
        rows = Operation.objects.filter(customer=customer).order_by("-id")
        shown = [
            format_html("{} at {} {}", link(row, row.get_kind_display()), row.plugin, pill(row.state))
            for row in rows[:SHOWN_HERE]
        ]
        return self._lines(shown, rows, Operation, customer, "Nothing was provisioned yet.")

    @admin.display(description="Members")
    def members_shown(self, customer: Customer) -> SafeString | str:
        number = bounded_count(Membership.objects.filter(customer=customer))
        if not number:
            return "Nobody yet. Add the owner with “Add member” above."
        return list_link(
            Membership, f"{shown_count(number)} member{'s' * (number != 1)}", customer__id__exact=customer.pk
        )

    @admin.display(description="At plugins")
    def accounts_shown(self, customer: Customer) -> SafeString | str:
        return lines(accounts_of(customer)) or NO_ACCOUNTS

    @admin.display(description="At plugins")
    def own_accounts_shown(self, customer: Customer) -> SafeString | str:
        return lines(accounts_of(customer, people=False)) or NO_ACCOUNTS

    def _lines(
        self, shown: list[SafeString], rows: QuerySet[Any], model: type[Any], customer: Customer, empty: str
    ) -> SafeString | str:
        if len(shown) == SHOWN_HERE:
            text = f"All {shown_count(bounded_count(rows))}"
            shown.append(list_link(model, text, customer__id__exact=customer.pk))
        return lines(shown) or empty

    # Storing

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Customer:
        if change:
            return update_customer(actor, found.pk, form.changes(*CHANGED_HERE))
        values = form.cleaned_data
        return create_customer(
            actor, name=values["name"], email=values["email"], external_id=values["external_id"] or None,
            status=values["status"],
        )  # fmt: skip

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        MembersInline.store(request, form.instance, formset)

    # Permissions of the actions

    def has_provision_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.provision_customer")

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.issue_issuedkey")

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.add_membership")

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.change_customer")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.delete_customer")
