"""What the portal holds about a person, for themselves: never a secret, a digest or a fingerprint."""

from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.errors import NotAllowed
from portal.models import (
    AuditEvent,
    Invitation,
    IssuedKey,
    KnownDevice,
    ManagementToken,
    Membership,
    Notice,
    PlanRequest,
    User,
)
from portal.services.audit import Action, record

MOST = 10_000
"""So many rows of one kind are handed out, the newest: some people's scripts do things all day."""
_CHUNK = 500
Section = tuple[str, Iterable[dict[str, Any]]]


def hand_out_personal_data(actor: Actor, user: User) -> Iterator[Section]:
    """Note that the person takes their data away; returns its sections, read as they are consumed.

    Raises ``NotAllowed`` for somebody else's data and when the sign-in is too old.
    """
    if actor.user_id != user.pk:
        raise NotAllowed("not_allowed", _("Everybody gets their own data only."))
    if not actor.recent_sign_in:
        raise NotAllowed("recent_sign_in_required", _("Sign in again first. Nothing was downloaded."))
    with transaction.atomic():
        record(actor, Action.USER_EXPORTED, user.public_id)
    return _sections(user)


def _sections(user: User) -> Iterator[Section]:
    identity = user.identity
    memberships = Membership.objects.filter(user=user)
    made_for_customers = Q(customer__in=memberships.values("customer"), created_by=identity)
    parts: dict[str, tuple[QuerySet[Any], tuple[str, ...]]] = {
        "profile": (User.objects.filter(pk=user.pk), _PROFILE),
        "email_addresses": (EmailAddress.objects.filter(user=user), ("email", "verified", "primary")),
        "sign_in_methods": (Authenticator.objects.filter(user=user), _SIGN_IN_METHOD),
        "sign_in_services": (SocialAccount.objects.filter(user=user), _SIGN_IN_SERVICE),
        "memberships": (memberships, ("customer__public_id", "customer__name", "role", "created_at")),
        "keys": (IssuedKey.objects.filter(Q(user=user) | made_for_customers), _KEY),
        "access_tokens": (ManagementToken.objects.filter(owner=user), _ACCESS_TOKEN),
        "sessions": (UserSession.objects.filter(user=user), _SESSION),
        "devices": (KnownDevice.objects.filter(user=user), ("first_seen_at", "last_seen_at")),
        "plan_requests": (PlanRequest.objects.filter(asked_by=user), _PLAN_REQUEST),
        "invitations_sent": (Invitation.objects.filter(invited_by=user), _INVITATION),
        "mails": (Notice.objects.filter(user=user), ("kind", "created_at", "sent_at")),
        "activity": (AuditEvent.objects.filter(actor=identity), _ACTIVITY),
    }
    for name, (rows, fields) in parts.items():
        yield name, _rows(rows, fields)


_PROFILE = (
    "public_id", "email", "name", "language", "time_zone", "wants_key_mail", "wants_reminders", "is_staff",
    "date_joined", "last_login",
)  # fmt: skip
_SIGN_IN_METHOD = ("type", "created_at", "last_used_at")
_SIGN_IN_SERVICE = ("provider", "uid", "last_login", "date_joined")
_SESSION = ("ip", "user_agent", "created_at", "last_seen_at")
_KEY = (
    "public_id", "customer__public_id", "name", "plugin", "status", "scopes", "prefix", "last4", "created_by",
    "created_at", "activated_at", "expires_at", "retires_at", "revealed_by", "revealed_at", "last_used_at",
    "revoked_at", "revoke_reason",
)  # fmt: skip
_ACCESS_TOKEN = (
    "public_id", "customer__public_id", "name", "scopes", "last4", "created_by", "created_at", "expires_at",
    "last_used_at", "revoked_at",
)  # fmt: skip
_PLAN_REQUEST = (
    "public_id", "customer__public_id", "plan__slug", "note", "status", "answer", "created_at", "decided_at",
)  # fmt: skip
_INVITATION = (
    "public_id", "customer__public_id", "role", "created_at", "expires_at", "accepted_at", "withdrawn_at",
)  # fmt: skip
"""Without the address, which is somebody else's."""
_ACTIVITY = ("public_id", "at", "action", "object", "customer__public_id", "detail")


def _rows(rows: "QuerySet[Any]", fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Newest first, some at a time: no cursor, no transaction and no snapshot stay open."""
    below: int | None = None
    for _start in range(0, MOST, _CHUNK):
        chunk = rows.order_by("-pk") if below is None else rows.order_by("-pk").filter(pk__lt=below)
        found = list(chunk.values("pk", *fields)[:_CHUNK])
        for row in found:
            yield {_member(name): row[name] for name in fields}
        if len(found) < _CHUNK:
            return
        below = found[-1]["pk"]


def _member(field: str) -> str:
    """``id`` for ``public_id``, ``customer`` for ``customer__public_id``, ``plan`` for ``plan__slug``."""
    if field == "public_id":
        return "id"
    return field.removesuffix("__public_id").removesuffix("__slug").replace("__", "_")
