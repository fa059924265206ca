"""Groups of staff: what their members may do. Only superusers see them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin.base import PortalModelAdmin
from portal.admin.forms import ServiceForm
from portal.admin.show import words
from portal.core.actor import Actor
from portal.services.users import save_staff_group

GRANTABLE = (
    "view_customer", "add_customer", "change_customer", "delete_customer", "provision_customer",
    "view_user", "add_user", "change_user",
    "view_membership", "add_membership", "change_membership", "delete_membership",
    "view_plan", "add_plan", "change_plan",
    "view_planrequest", "decide_planrequest",
    "view_subscription", "add_subscription", "change_subscription",
    "view_issuedkey", "issue_issuedkey", "rotate_issuedkey", "revoke_issuedkey", "reveal_issuedkey",
    "view_operation", "retry_operation", "cancel_operation",
    "view_signingkey", "stage_signingkey", "activate_signingkey", "revoke_signingkey",
    "view_managementtoken", "add_managementtoken", "delete_managementtoken",
    "view_phonetoken", "show_phone_number", "issue_phonetoken",
    "view_auditevent",
)  # fmt: skip
"""Permissions that something here or at the management API asks for."""


class PermissionBoxes(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class GroupForm(ServiceForm):
    permissions = PermissionBoxes(
        Permission.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="May",
    )  # fmt: skip

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("permissions")
        if isinstance(field, forms.ModelMultipleChoiceField):
            offered = Permission.objects.filter(content_type__app_label="portal", codename__in=GRANTABLE)
            field.queryset = offered.order_by("content_type__model", "id")


@admin.register(Group)
class GroupAdmin(PortalModelAdmin):
    form = GroupForm
    list_display = ("name", "permissions_shown")
    search_fields = ("name",)
    subtitle = "What members of staff may do is the sum of their groups."
    empty_title = "No groups yet"
    empty_text = "Without groups, only superusers can do anything here."

    def matches(self, term: str) -> Q:
        return Q(name__startswith=term)

    def audit_objects(self, found: Group) -> list[str]:
        return [f"grp_{found.pk}"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("permissions")

    @admin.display(description="May")
    def permissions_shown(self, group: Group) -> SafeString | str:
        return words(sorted(permission.codename for permission in group.permissions.all()))

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Group:
        values = form.cleaned_data
        return save_staff_group(
            actor, found.pk if change else None, name=values["name"], permissions=values["permissions"]
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)
