"""Issued keys: seen, rotated and revoked here; never their secrets."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, Q, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.accounts import accounts_at
from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.filters import PluginFilter, parent_filter
from portal.admin.issued_key_actions import ACTIONS
from portal.admin.issued_key_filters import SoonFilter, StatusFilter
from portal.admin.search import MOST, of_customer_or_user
from portal.admin.show import NOTHING, code, lines, link, list_link, moment, pill, when, words
from portal.core.clock import now
from portal.core.plugins import token_lifetime
from portal.models import Customer, IssuedKey, Operation, SigningKey, Subscription, User
from tokens.durations import format_duration


@admin.register(IssuedKey)
class IssuedKeyAdmin(ReadOnlyAdmin):
    confirmed = ACTIONS
    list_display = ("name_shown", "customer_shown", "person", "plugin", "state", "expires", "created")
    list_select_related = ("customer", "user")
    list_filter = (
        SoonFilter, StatusFilter, PluginFilter,
        parent_filter(Customer, "customer"), parent_filter(User, "user"),
        parent_filter(Subscription, "subscription"), parent_filter(SigningKey, "signing_key"),
    )  # fmt: skip
    search_fields = ("public_id",)
    search_help_text = (
        "A whole key id or id at the provider, a customer or the beginning of an e-mail address."
    )
    subtitle = "Credentials given to customers. Secrets are shown once, to their users, and never here."
    empty_title = "No keys issued yet"
    empty_text = "Open a customer and choose “Issue key”."
    fieldsets = (
        (None, {"fields": ("name", "state", "customer_link", "user_link", "subscription_link", "plugin")}),
        (
            "Credential",
            {
                "fields": (
                    "starts_with",
                    "scopes_shown",
                    "provider_id",
                    "accounts_shown",
                    "jti_shown",
                    "signed_by",
                )
            },
        ),
        (
            "Life",
            {"fields": ("created_at_shown", "activated", "expires_at_shown", "lifetime_shown", "last_used")},
        ),
        ("Secret", {"fields": ("secret_shown",)}),
        ("Rotation", {"fields": ("predecessor", "successor", "retires")}),
        ("Revocation", {"fields": ("revoked", "revoke_reason")}),
        ("Access tokens", {"fields": ("tokens_shown",)}),
        ("Work", {"fields": ("operations_shown",)}),
    )

    def matches(self, term: str) -> Q:
        if term.startswith("key_"):
            return Q(public_id=term)
        named = IssuedKey.objects.filter(Q(jti=term) | (Q(external_id=term) & ~Q(external_id="")))
        # By keys alone: with other columns in the OR no index would give the order.
        return Q(pk__in=list(named.values_list("pk", flat=True)[:MOST])) | of_customer_or_user(term)

    def export_columns(self) -> Columns:
        ended = When(status="active", expires_at__lte=now(), then=Value("expired"))
        return {
            "id": "public_id", "name": "name", "customer": "customer__public_id",
            "customer_name": "customer__name", "user": "user__public_id", "email": "user__email",
            "subscription": "subscription__public_id", "plugin": "plugin",
            "status": Case(ended, default="status"), "external_id": "external_id",
            "signing_key": "signing_key__kid", "scopes": "scopes", "created_at": "created_at",
            "activated_at": "activated_at", "expires_at": "expires_at", "last_used_at": "last_used_at",
            "revealed_at": "revealed_at", "revoked_at": "revoked_at", "revoke_reason": "revoke_reason",
            "replaces": "rotated_from__public_id", "overlap_ends_at": "retires_at",
        }  # fmt: skip

    def heading(self, found: IssuedKey) -> str:
        return found.name or found.public_id

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the parts of its life that haven't come."""
        key: IssuedKey = obj
        hidden = set()
        if not (key.rotated_from_id or key.retires_at or key.successors.exists()):
            hidden.add("Rotation")
        if not key.revoked_at and key.status != IssuedKey.Status.REVOKING:
            hidden.add("Revocation")
        if token_lifetime(key.plugin) is None:
            hidden.add("Access tokens")
        return [part for part in self.fieldsets if part[0] not in hidden]

    def get_ordering(self, request: HttpRequest) -> Any:
        """Keys that expire or expired come in that order, nearest first: an index has it."""
        if request.GET.get("soon") == "expiring":
            return ("expires_at", "-id")
        return ("-expires_at", "-id") if request.GET.get("status") == "expired" else self.ordering

    def listed(self, found: IssuedKey) -> str:
        user = found.user.email if found.user else "no user"
        return f"{found.public_id} · {found.name} · {found.customer} · {user}"

    # Columns

    @admin.display(description="Name")
    def name_shown(self, key: IssuedKey) -> SafeString:
        return format_html('{}<span class="below id">{}</span>', key.name or "No name", key.public_id)

    @admin.display(description="Customer")
    def customer_shown(self, key: IssuedKey) -> SafeString | str:
        return link(key.customer)

    @admin.display(description="User")
    def person(self, key: IssuedKey) -> str:
        return key.user.email if key.user else NOTHING

    @admin.display(description="Status")
    def state(self, key: IssuedKey) -> SafeString:
        return pill(key.shown_status)

    @admin.display(description="Expires")
    def expires(self, key: IssuedKey) -> SafeString | str:
        return when(key.expires_at)

    @admin.display(description="Created")
    def created(self, key: IssuedKey) -> SafeString | str:
        return when(key.created_at)

    # Details

    @admin.display(description="Customer")
    def customer_link(self, key: IssuedKey) -> SafeString | str:
        return link(key.customer)

    @admin.display(description="User")
    def user_link(self, key: IssuedKey) -> SafeString | str:
        return link(key.user)

    @admin.display(description="Subscription")
    def subscription_link(self, key: IssuedKey) -> SafeString | str:
        return link(key.subscription)

    @admin.display(description="Looks like")
    def starts_with(self, key: IssuedKey) -> SafeString | str:
        return code(f"{key.prefix}…{key.last4}") if key.last4 else NOTHING

    @admin.display(description="Scopes")
    def scopes_shown(self, key: IssuedKey) -> SafeString | str:
        return words(key.scopes)

    @admin.display(description="Id at the provider")
    def provider_id(self, key: IssuedKey) -> SafeString | str:
        return code(key.external_id)

    @admin.display(description="Customer at the provider")
    def accounts_shown(self, key: IssuedKey) -> SafeString | str:
        return lines(accounts_at(key.customer_id, key.plugin)) or NOTHING

    @admin.display(description="JWT id")
    def jti_shown(self, key: IssuedKey) -> SafeString | str:
        return code(key.jti)

    @admin.display(description="Signed by")
    def signed_by(self, key: IssuedKey) -> SafeString | str:
        return link(key.signing_key)

    @admin.display(description="Created")
    def created_at_shown(self, key: IssuedKey) -> SafeString | str:
        by = format_html(' <span class="quiet">by {}</span>', key.created_by) if key.created_by else ""
        return format_html("{}{}", moment(key.created_at), by)

    @admin.display(description="Active since")
    def activated(self, key: IssuedKey) -> SafeString | str:
        return moment(key.activated_at)

    @admin.display(description="Expires")
    def expires_at_shown(self, key: IssuedKey) -> SafeString | str:
        return moment(key.expires_at) if key.expires_at else "Never: it lives until it is revoked"

    @admin.display(description="Lifetime")
    def lifetime_shown(self, key: IssuedKey) -> str:
        return format_duration(key.lifetime) if key.lifetime else "The plugin's own"

    @admin.display(description="Last used")
    def last_used(self, key: IssuedKey) -> SafeString | str:
        return moment(key.last_used_at) if key.last_used_at else "Never, as far as the portal knows"

    @admin.display(description="Secret")
    def secret_shown(self, key: IssuedKey) -> SafeString | str:
        if key.revealed_at:
            return format_html("Revealed {}", moment(key.revealed_at))
        if key.secret_erased_at:
            return format_html("Erased {}", moment(key.secret_erased_at))
        if key.secret_available:
            return f"Waiting for its user at /keys/{key.public_id}"
        return "There is none"

    @admin.display(description="Made from")
    def predecessor(self, key: IssuedKey) -> SafeString | str:
        return link(key.rotated_from)

    @admin.display(description="Replaced by")
    def successor(self, key: IssuedKey) -> SafeString | str:
        return link(key.successors.exclude(status="failed").first())

    @admin.display(description="Overlap ends")
    def retires(self, key: IssuedKey) -> SafeString | str:
        return moment(key.retires_at)

    @admin.display(description="Revoked")
    def revoked(self, key: IssuedKey) -> SafeString | str:
        return moment(key.revoked_at)

    @admin.display(description="Fetched with it")
    def tokens_shown(self, key: IssuedKey) -> SafeString | str:
        """No gateway asks about them, so they outlive the key."""
        lifetime = token_lifetime(key.plugin)
        until = IssuedKey.objects.with_removal().get(pk=key.pk).tokens_valid_until
        if until is not None:
            return format_html("Work at the latest until {}", moment(until))
        lives = format_duration(lifetime) if lifetime else ""
        return f"Each works for {lives}, so up to {lives} after the key is removed at the provider"

    @admin.display(description="Operations")
    def operations_shown(self, key: IssuedKey) -> SafeString | str:
        return list_link(Operation, "Operations of this key", key__id__exact=key.pk)

    # Permissions of the actions

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.rotate_issuedkey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.revoke_issuedkey")
