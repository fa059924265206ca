"""Memberships: who belongs to which customer, as what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin.actions import ConfirmedAction
from portal.admin.base import PortalModelAdmin
from portal.admin.export import Columns
from portal.admin.filters import parent_filter
from portal.admin.forms import ServiceForm
from portal.admin.search import of_customer_or_user
from portal.admin.show import describe, link, moment, pill, when
from portal.core.actor import Actor
from portal.models import Customer, Membership, User
from portal.services.actors import actor_of_user
from portal.services.members import add_member, remove_member, update_member

TabularInline = admin.TabularInline[Membership, Customer] if TYPE_CHECKING else admin.TabularInline


class MembersInline(TabularInline):  # type: ignore[misc,valid-type]  # an alias
    """A customer's people on its page. They are added by e-mail, with the action *Add member*."""

    model = Membership
    readonly_fields = ("person",)
    fields = ("person", "role")
    extra = 0
    verbose_name_plural = "Members"
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Person")
    def person(self, membership: Membership) -> SafeString | str:
        return link(membership.user)

    @staticmethod
    def store(request: HttpRequest, customer: Customer, formset: Any) -> None:
        """Pass what was changed in the rows to the services; may raise ``PortalError``."""
        actor = actor_of_user(request.user)  # type: ignore[arg-type]  # staff are signed in
        formset.save(commit=False)
        for membership, _ in formset.changed_objects:
            update_member(actor, customer.pk, membership.user_id, role=membership.role)
        for membership in formset.deleted_objects:
            remove_member(actor, customer.pk, membership.user_id)
        formset.new_objects = []


def _remove(actor: Actor, membership: Membership, values: dict[str, Any]) -> None:
    remove_member(actor, membership.customer_id, membership.user_id)


def _consequences(memberships: Sequence[Membership]) -> list[str]:
    return [
        "They lose access to the customer's pages at once.",
        "Keys they made stay: they are the customer's.",
    ]


REMOVE = ConfirmedAction("remove", "Remove", "remove", "removed", _remove, _consequences, destructive=True)


class MembershipForm(ServiceForm):
    class Meta:
        model = Membership
        fields = ("customer", "user", "role")

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if not user.is_active:
            raise forms.ValidationError("This person's account is not active.")
        return user


@admin.register(Membership)
class MembershipAdmin(PortalModelAdmin):
    form = MembershipForm
    confirmed = (REMOVE,)
    list_display = ("person", "customer_shown", "role_shown", "since")
    list_select_related = ("user", "customer")
    list_filter = ("role", parent_filter(Customer, "customer"), parent_filter(User, "user"))
    search_fields = ("user__email",)
    search_help_text = "The beginning of an e-mail address or of a customer's name, or a whole id."
    autocomplete_fields = ("customer", "user")
    subtitle = "Who belongs to which customer, and what they may do there."
    empty_title = "No memberships"
    empty_text = "Add people on a customer's page."

    def matches(self, term: str) -> Q:
        return of_customer_or_user(term)

    def export_columns(self) -> Columns:
        return {
            "customer": "customer__public_id", "customer_name": "customer__name", "user": "user__public_id",
            "email": "user__email", "role": "role", "since": "created_at",
        }  # fmt: skip

    def name_of(self, found: Membership) -> str:
        return f"{describe(found.user)} at {describe(found.customer)}"

    def audit_objects(self, found: Membership) -> list[str]:
        return [found.user.public_id]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("customer", "user", "role")
        return ("person", "customer_shown", "role", "since_shown")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("person", "customer_shown", "since_shown")

    @admin.display(description="Person")
    def person(self, membership: Membership) -> SafeString | str:
        return describe(membership.user)

    @admin.display(description="Customer")
    def customer_shown(self, membership: Membership) -> SafeString | str:
        return link(membership.customer)

    @admin.display(description="Role")
    def role_shown(self, membership: Membership) -> SafeString:
        return pill(membership.role, membership.get_role_display())

    @admin.display(description="Since")
    def since(self, membership: Membership) -> SafeString | str:
        return when(membership.created_at)

    @admin.display(description="Since")
    def since_shown(self, membership: Membership) -> SafeString | str:
        return moment(membership.created_at)

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Membership:
        values = form.cleaned_data
        if change:
            return update_member(actor, found.customer_id, found.user_id, role=values["role"])
        return add_member(actor, values["customer"].pk, email=values["user"].email, role=values["role"])

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.delete_membership")
