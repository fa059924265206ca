"""Access tokens: what scripts authenticate with. Made here for oneself, shown once."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.fields import DurationText
from portal.admin.filters import parent_filter
from portal.admin.search import of_customer_or_user
from portal.admin.show import NOTHING, code, describe, link, moment, pill, when, words
from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import PortalError
from portal.core.scopes import SCOPES
from portal.core.sign_in import has_recent_sign_in
from portal.models import Customer, ManagementToken, User
from portal.services.access_tokens import create_access_token, revoke_access_token
from portal.services.actors import actor_of_user


def _state(token: ManagementToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now() else "active"


def _revoke(actor: Actor, token: ManagementToken, values: dict[str, Any]) -> None:
    revoke_access_token(actor, token.pk)


def _about_revoking(tokens: Sequence[ManagementToken]) -> list[str]:
    return ["Scripts that use it are refused from now on.", "Keys they created stay as they are."]


REVOKE = ConfirmedAction(
    "revoke", "Revoke", "revoke", "revoked", _revoke, _about_revoking, destructive=True,
    offered=lambda token: token.revoked_at is None,
)  # fmt: skip


class NewTokenForm(ActionForm):
    name = forms.CharField(max_length=100, help_text="What uses it, such as “billing sync”.")
    customer = forms.CharField(
        required=False,
        max_length=255,
        help_text="Id or external id: only for this customer. Empty: all customers.",
    )
    expires_in = DurationText(
        label="Lifetime",
        required=False,
        initial="90d",
        help_text="Such as 90d or 1y. Empty: until it is revoked.",
    )
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__([], *args, **kwargs)
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        held = (scope for scope in SCOPES if scope in actor.everywhere)
        field.choices = [(scope, f"{scope} · {SCOPES[scope]}") for scope in held]

    def clean_customer(self) -> Customer | None:
        name = self.cleaned_data["customer"]
        if not name:
            return None
        found = Customer.objects.called(name).first()
        if found is None:
            raise forms.ValidationError("There is no such customer.")
        return found


class StateFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "active":
                return queryset.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now()))
            case "expired":
                return queryset.filter(revoked_at=None, expires_at__lte=now())
            case "revoked":
                return queryset.exclude(revoked_at=None)
        return queryset


@admin.register(ManagementToken)
class ManagementTokenAdmin(ReadOnlyAdmin):
    confirmed = (REVOKE,)
    list_display = (
        "name_shown",
        "public_id",
        "owner_shown",
        "customer_shown",
        "state",
        "last_used",
        "expires",
    )
    list_select_related = ("owner", "customer")
    list_filter = (StateFilter, parent_filter(Customer, "customer"), parent_filter(User, "owner"))
    search_fields = ("public_id",)
    search_help_text = "A whole token id, a customer or the beginning of its owner's e-mail address."
    subtitle = "What scripts authenticate with at the management API. Only a fingerprint is kept."
    empty_title = "No access tokens yet"
    empty_text = "Make one for a script of yours; it can never do more than you may."
    fieldsets = (
        (None, {"fields": ("name_shown", "state", "owner_link", "customer_link", "scopes_shown", "ends_in")}),
        ("Life", {"fields": ("created", "created_by", "last_used_shown", "expires_shown", "revoked")}),
    )

    def matches(self, term: str) -> Q:
        return Q(public_id=term) if term.startswith("tok_") else of_customer_or_user(term, user="owner_id")

    def export_columns(self) -> Columns:
        return {
            "id": "public_id", "name": "name", "owner": "owner__public_id", "owner_email": "owner__email",
            "customer": "customer__public_id", "scopes": "scopes", "created_at": "created_at",
            "expires_at": "expires_at", "last_used_at": "last_used_at", "revoked_at": "revoked_at",
        }  # fmt: skip

    def listed(self, found: ManagementToken) -> str:
        return f"{found.public_id} · {found.name or 'no name'} · {describe(found.owner)}"

    # Making one

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.add_managementtoken")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A token of the staff member's own; its text stands on the answer and nowhere else."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        user = request.user
        assert isinstance(user, User)
        if not has_recent_sign_in(request, user):
            again = urlencode({"next": request.path})
            return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{again}")
        actor = actor_of_user(user)
        form = NewTokenForm(actor, request.POST or None)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "form": form, "media": self.media,
            "title": "New access token",
        }  # fmt: skip
        if form.is_valid():
            try:
                token, secret = create_access_token(actor, owner=user, **form.cleaned_data)
            except PortalError as refusal:
                form.add_refusal(refusal)
            else:
                context |= {"title": "Access token made", "token": token, "text": secret.reveal()}
        response = TemplateResponse(request, "admin/portal/new_access_token.html", context)
        response["Cache-Control"] = "no-store"
        return response

    # Columns and details

    @admin.display(description="Name")
    def name_shown(self, token: ManagementToken) -> str:
        return token.name or token.public_id

    @admin.display(description="Owner")
    def owner_shown(self, token: ManagementToken) -> str:
        return token.owner.email

    @admin.display(description="Owner")
    def owner_link(self, token: ManagementToken) -> SafeString | str:
        return link(token.owner)

    @admin.display(description="For")
    def customer_shown(self, token: ManagementToken) -> str:
        return describe(token.customer) if token.customer else "All customers"

    @admin.display(description="For")
    def customer_link(self, token: ManagementToken) -> SafeString | str:
        return link(token.customer) if token.customer else "All customers"

    @admin.display(description="State")
    def state(self, token: ManagementToken) -> SafeString:
        return pill(_state(token))

    @admin.display(description="Scopes")
    def scopes_shown(self, token: ManagementToken) -> SafeString | str:
        return words(token.scopes)

    @admin.display(description="Looks like")
    def ends_in(self, token: ManagementToken) -> SafeString | str:
        return code(f"lk_…{token.last4}")

    @admin.display(description="Last used")
    def last_used(self, token: ManagementToken) -> SafeString | str:
        return when(token.last_used_at) if token.last_used_at else "Never"

    @admin.display(description="Last used")
    def last_used_shown(self, token: ManagementToken) -> SafeString | str:
        return moment(token.last_used_at) if token.last_used_at else "Never"

    @admin.display(description="Expires")
    def expires(self, token: ManagementToken) -> SafeString | str:
        return when(token.expires_at) if token.expires_at else "Never"

    @admin.display(description="Expires")
    def expires_shown(self, token: ManagementToken) -> SafeString | str:
        return moment(token.expires_at) if token.expires_at else "Never"

    @admin.display(description="Created")
    def created(self, token: ManagementToken) -> SafeString | str:
        return moment(token.created_at)

    @admin.display(description="Revoked")
    def revoked(self, token: ManagementToken) -> SafeString | str:
        return moment(token.revoked_at) if token.revoked_at else NOTHING

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.delete_managementtoken")
