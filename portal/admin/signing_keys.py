"""Signing keys: ours. Public halves are seen here, private halves never."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.show import NOTHING, list_link, moment, pill, relative, when
from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict
from portal.models import IssuedKey, SigningKey
from portal.services.signing_keys.rotate import (
    may_activate_at,
    revoke_signing_key,
    rotate_signing_key,
    stage_signing_key,
)  # fmt: skip

State = SigningKey.State


class ActivateForm(ActionForm):
    force = forms.BooleanField(
        required=False, label="Activate it even though gateways may not know it yet",
        help_text="Only in an emergency: gateways with an older JWKS refuse keys signed with it.",
    )  # fmt: skip


class RevokeForm(ActionForm):
    reason = forms.CharField(
        max_length=200, help_text="Kept with the signing key and with every key it takes along."
    )
    sure = forms.BooleanField(label="Yes, refuse everything this key ever signed, at once")


def _stage(actor: Actor, key: SigningKey, values: dict[str, Any]) -> str:
    staged = stage_signing_key(actor)
    return f"{staged.kid} is staged; it may be activated {relative(may_activate_at(staged))}."


def _activate(actor: Actor, key: SigningKey, values: dict[str, Any]) -> str:
    if key.state != State.STAGED or key.source != SigningKey.Source.MANAGED:
        raise Conflict("signing_key_not_staged", "Only the staged key can be activated. Nothing was changed.")
    active = rotate_signing_key(actor, force=values["force"])
    return f"{active.kid} signs from now on, and the next key is staged."


def _revoke(actor: Actor, key: SigningKey, values: dict[str, Any]) -> str:
    hit = revoke_signing_key(actor, key.kid, reason=values["reason"])
    keys, customers = (
        f"{hit.keys} key{'s' * (hit.keys != 1)}",
        f"{hit.customers} customer{'s' * (hit.customers != 1)}",
    )
    return f"{key.kid} is revoked, and with it {keys} of {customers}."


def _about_staging(keys: Sequence[SigningKey]) -> list[str]:
    return [
        "The staged key is replaced by a new one, which is published in the JWKS at once.",
        "The new one may sign after the lead time, when every gateway's cache knows it.",
    ]


def _about_activating(keys: Sequence[SigningKey]) -> list[str]:
    key = keys[0]
    told = ["It signs new keys; the one that did so far only verifies until its last key has expired."]
    if key.state == State.STAGED and may_activate_at(key) > now():
        told.append(f"Gateways may not know it yet: wait, and activate it {relative(may_activate_at(key))}.")
    return told


def _about_revoking(keys: Sequence[SigningKey]) -> list[str]:
    hit = IssuedKey.objects.filter(signing_key__in=keys, status="active", expires_at__gt=now()).count()
    told = [f"Unexpired keys that will be revoked with it: {hit:,}. Their users have to make new ones."]
    told.append("It disappears from the JWKS at once. There is no way back.")
    if any(key.state == State.ACTIVE for key in keys):
        told.append("It signs now: the staged key takes over, whatever its age.")
    return told


ACTIONS = (
    ConfirmedAction(
        "stage_next", "Stage next", "stage", "staged", _stage, _about_staging, one=True,
        offered=lambda key: key.state == State.STAGED,
    ),
    ConfirmedAction(
        "activate", "Activate", "activate", "activated", _activate, _about_activating, form=ActivateForm,
         one=True, offered=lambda key: key.state == State.STAGED,
    ),
    ConfirmedAction(
        "revoke", "Revoke", "revoke", "revoked", _revoke, _about_revoking, form=RevokeForm, destructive=True,
        offered=lambda key: key.state not in (State.RETIRED, State.REVOKED),
    ),
)  # fmt: skip


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    confirmed = ACTIONS
    list_display = ("kid_shown", "algorithm", "status", "note", "source_shown", "staged")
    list_filter = ("state", "source")
    search_fields = ("kid",)
    search_help_text = "A whole key id (kid)."
    subtitle = "One signs, one is staged so that gateways know it before it signs, former ones still verify."
    fieldsets = (
        (None, {"fields": ("kid_shown", "algorithm", "status", "note", "source_shown")}),
        ("Life", {"fields": ("staged_at_shown", "activated", "retiring", "ended", "reason_shown")}),
        ("Keys", {"fields": ("keys_shown",)}),
        ("Public half", {"fields": ("public_shown",), "classes": ("collapse",)}),
    )

    def matches(self, term: str) -> Q:
        return Q(kid=term)

    def audit_objects(self, found: SigningKey) -> list[str]:
        return [found.kid]

    def listed(self, found: SigningKey) -> str:
        return f"{found.kid} · {found.algorithm} · {found.get_state_display()}"

    def export_columns(self) -> Columns:
        return {
            "kid": "kid", "algorithm": "algorithm", "state": "state", "source": "source",
            "staged_at": "staged_at", "activated_at": "activated_at", "retiring_at": "retiring_at",
            "ended_at": "ended_at", "reason": "reason",
        }  # fmt: skip

    def list_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        staged = SigningKey.objects.filter(source="managed", state=State.STAGED).first()
        return self.object_tools(request, staged)[:2] if staged else []

    def object_tools(self, request: HttpRequest, found: Any) -> list[dict[str, Any]]:
        tools = super().object_tools(request, found)
        if found.source == SigningKey.Source.MANAGED:
            return tools
        address = reverse("admin:portal_signingkey_action", args=[found.pk, "revoke"])
        return [tool for tool in tools if tool["url"] == address]

    @admin.display(description="Key id (kid)")
    def kid_shown(self, key: SigningKey) -> SafeString:
        return format_html('<code class="kid">{}</code>', key.kid)

    @admin.display(description="State")
    def status(self, key: SigningKey) -> SafeString:
        return pill(key.state)

    @admin.display(description="What it does")
    def note(self, key: SigningKey) -> str:
        return note_on(key)

    @admin.display(description="Source")
    def source_shown(self, key: SigningKey) -> str:
        return key.get_source_display()

    @admin.display(description="Staged")
    def staged(self, key: SigningKey) -> SafeString | str:
        return when(key.staged_at)

    @admin.display(description="Staged")
    def staged_at_shown(self, key: SigningKey) -> SafeString | str:
        return moment(key.staged_at)

    @admin.display(description="Activated")
    def activated(self, key: SigningKey) -> SafeString | str:
        return moment(key.activated_at)

    @admin.display(description="Stopped signing")
    def retiring(self, key: SigningKey) -> SafeString | str:
        return moment(key.retiring_at)

    @admin.display(description="Ended")
    def ended(self, key: SigningKey) -> SafeString | str:
        return moment(key.ended_at)

    @admin.display(description="Reason")
    def reason_shown(self, key: SigningKey) -> str:
        return key.reason or NOTHING

    @admin.display(description="Keys")
    def keys_shown(self, key: SigningKey) -> SafeString:
        return list_link(IssuedKey, "Keys it signed", signing_key__id__exact=key.pk)

    @admin.display(description="JWK")
    def public_shown(self, key: SigningKey) -> SafeString | str:
        if not key.public_jwk:
            return "A shared secret has no public half."
        return format_html("<pre>{}</pre>", json.dumps(key.public_jwk, indent=2))

    def has_stage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.stage_signingkey")

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.activate_signingkey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.revoke_signingkey")


def note_on(key: SigningKey) -> str:
    """What the key does at present, in a sentence."""
    if key.state == State.STAGED:
        at = may_activate_at(key)
        return "Ready to sign" if at <= now() else f"May be activated {relative(at)}"
    return {
        State.ACTIVE: "Signs new keys",
        State.RETIRING: "Verifies until its last key has expired",
        State.RETIRED: "Nothing it signed is alive",
        State.REVOKED: "Everything it signed is refused",
    }[State(key.state)]
