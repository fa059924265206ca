"""Users: people who sign in. They are deactivated, never deleted."""

from collections.abc import Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin.actions import ConfirmedAction
from portal.admin.base import PortalModelAdmin
from portal.admin.export import Columns
from portal.admin.forms import ServiceForm
from portal.admin.search import users
from portal.admin.show import describe, link, list_link, moment, pill, when
from portal.core.actor import Actor
from portal.models import IssuedKey, ManagementToken, Membership, User
from portal.services.second_factor import reset_second_factor
from portal.services.users import create_user, update_user

STAFF_FIELDS = ("is_staff", "is_superuser", "groups")
SHOWN_HERE = 10
FACTORS = {"totp": "Authenticator app", "webauthn": "Passkey", "recovery_codes": "Recovery codes"}


def _reset(actor: Actor, user: User, values: dict[str, Any]) -> None:
    reset_second_factor(actor, user.pk)


def _about_resetting(users: Sequence[User]) -> list[str]:
    return [
        "For somebody who lost phone, passkey and recovery codes. Make sure that it is really them who asks.",
        "Their second factors are removed, and they are signed out everywhere.",
        "Next time the password alone signs them in; staff then have to add a new second factor.",
    ]


RESET_MFA = ConfirmedAction(
    "reset_mfa", "Reset second factor", "reset_mfa", "second factor reset", _reset, _about_resetting,
    one=True, destructive=True, offered=lambda user: Authenticator.objects.filter(user=user).exists(),
)  # fmt: skip


class UserForm(ServiceForm):
    class Meta:
        model = User
        fields = ("email", "name", "is_active", *STAFF_FIELDS)
        labels = {"is_superuser": "Superuser"}
        widgets = {"groups": forms.CheckboxSelectMultiple}
        help_texts = {
            "email": "They sign in with it, and set a password with “Forgot your password?”.",
            "is_superuser": "May do everything here, these flags included.",
            "groups": "What a member of staff may do is the sum of their groups.",
        }

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(PortalModelAdmin):
    form = UserForm
    confirmed = (RESET_MFA,)
    list_display = ("email", "name", "may", "customer_count", "joined", "signed_in")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    search_help_text = "The beginning of an e-mail address, or a whole user id."
    subtitle = "People who sign in: customers' members and your staff."

    def matches(self, term: str) -> Q:
        return users(term)

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "email": "email", "name": "name", "active": "is_active", "staff": "is_staff",
            "superuser": "is_superuser", "joined_at": "date_joined", "last_sign_in_at": "last_login",
        }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("password")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        staff = [("Staff", {"fields": STAFF_FIELDS})] if request.user.is_superuser else []
        if obj is None:
            return [(None, {"fields": ("email", "name")}), *staff]
        return [
            (
                None,
                {
                    "fields": (
                        "email",
                        "name",
                        "is_active",
                        "joined_shown",
                        "signed_in_shown",
                        "factors_shown",
                    )
                },
            ),
            ("Where they work", {"fields": ("memberships_shown", "keys_shown", "tokens_shown")}),
            *staff,
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return (
            "email", "joined_shown", "signed_in_shown", "factors_shown", "memberships_shown", "keys_shown",
            "tokens_shown",
        )  # fmt: skip

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = forms.CheckboxSelectMultiple()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "groups" in form.base_fields:
            form.base_fields["groups"].widget.can_add_related = False
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff's accounts are for superusers: nobody gives themselves more than they have."""
        if obj is not None and obj.is_staff and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_reset_mfa_permission(self, request: HttpRequest) -> bool:
        """For superusers: whoever resets another's second factor could go on to their account."""
        return bool(request.user.is_superuser)

    # Columns and details

    @admin.display(description="Account")
    def may(self, user: User) -> SafeString:
        if not user.is_active:
            return pill("inactive", "Deactivated")
        return (
            pill("staff", "Superuser" if user.is_superuser else "Staff") if user.is_staff else pill("active")
        )

    @admin.display(description="Customers")
    def customer_count(self, user: User) -> SafeString:
        return list_link(Membership, "Memberships", user__id__exact=user.pk)

    @admin.display(description="Joined")
    def joined(self, user: User) -> SafeString | str:
        return when(user.date_joined)

    @admin.display(description="Last sign-in")
    def signed_in(self, user: User) -> SafeString | str:
        return when(user.last_login) if user.last_login else "Never"

    @admin.display(description="Joined")
    def joined_shown(self, user: User) -> SafeString | str:
        return moment(user.date_joined)

    @admin.display(description="Last sign-in")
    def signed_in_shown(self, user: User) -> SafeString | str:
        return moment(user.last_login) if user.last_login else "Never"

    @admin.display(description="Second factor")
    def factors_shown(self, user: User) -> str:
        kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        names = [words for kind, words in FACTORS.items() if kind in kinds]
        return ", ".join(names) or "None"

    @admin.display(description="Customers")
    def memberships_shown(self, user: User) -> SafeString | str:
        rows = Membership.objects.filter(user=user).select_related("customer").order_by("-id")[:SHOWN_HERE]
        lines = [format_html("{} {}", link(row.customer), pill(row.role)) for row in rows]
        if len(lines) == SHOWN_HERE:
            lines.append(list_link(Membership, "All", user__id__exact=user.pk))
        items = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
        return format_html('<ul class="plain">{}</ul>', items) if lines else "Member of no customer"

    @admin.display(description="Keys")
    def keys_shown(self, user: User) -> SafeString:
        return list_link(IssuedKey, "Keys of this person", user__id__exact=user.pk)

    @admin.display(description="Access tokens")
    def tokens_shown(self, user: User) -> SafeString:
        return list_link(ManagementToken, "Access tokens of this person", owner__id__exact=user.pk)

    def name_of(self, found: User) -> str:
        return describe(found)

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> User:
        if change:
            return update_user(actor, found.pk, form.changes("name", "is_active", *STAFF_FIELDS))
        values = form.cleaned_data
        return create_user(actor, email=values["email"], **form.changes("name", *STAFF_FIELDS))
