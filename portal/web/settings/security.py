"""``/settings/security``: what protects the account, and where the person is signed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from portal.core.sign_in import passkeys_work
from portal.models import AuditEvent, User
from portal.services.audit import Action
from portal.services.sessions import end_other_sessions, end_session, live_sessions
from portal.web.browsers import browser_words
from portal.web.settings.person import Person, personal_page, show_person
from portal.web.staff_mfa import lacks_second_factor

MOST_SHOWN = 20
FEW_CODES = 3
_KINDS = {
    "totp": gettext_lazy("Authenticator app"),
    "webauthn": gettext_lazy("Passkey"),
    "recovery_codes": gettext_lazy("Recovery codes"),
}
_HAPPENED = {
    Action.USER_MFA_ADDED: gettext_lazy("Added: %s"),
    Action.USER_MFA_REMOVED: gettext_lazy("Removed: %s"),
    Action.USER_MFA_RESET: gettext_lazy("The second factor was reset by staff"),
    Action.USER_PASSWORD_CHANGED: gettext_lazy("The password was changed"),
    Action.USER_SESSIONS_ENDED: gettext_lazy("Signed out of other browsers"),
}


@dataclass(frozen=True)
class Factors:
    """The person's second factors, one of a kind but for passkeys."""

    app: Authenticator | None
    codes: Authenticator | None
    passkeys: list[Authenticator]

    @property
    def any(self) -> bool:
        return self.app is not None or bool(self.passkeys)

    @property
    def codes_left(self) -> int:
        return len(self.codes.wrap().get_unused_codes()) if self.codes else 0

    @property
    def codes_are_few(self) -> bool:
        return self.any and self.codes_left <= FEW_CODES


@require_safe
@personal_page
def security(request: HttpRequest, person: Person) -> HttpResponse:
    user = person.user
    events = _events(user)
    context = {
        "factors": _factors(user),
        "passkeys_work": passkeys_work(),
        "admin_waits": lacks_second_factor(request, user),
        "password_changed_at": _password_changed_at(user, events),
        "sessions": _sessions(request, user),
        "providers": SocialAccount.objects.filter(user=user).order_by("id"),
        "events": [(event.at, _told(event)) for event in events[:8]],
    }
    return show_person(request, person, "portal/settings/security.html", context)


@require_POST
@personal_page
def sign_out_elsewhere(request: HttpRequest, person: Person) -> HttpResponse:
    ended = end_other_sessions(person.user, current=request.session.session_key or "")
    told = ngettext("Signed out of %d other browser.", "Signed out of %d other browsers.", ended)
    messages.success(request, told % ended)
    return redirect("security")


@require_POST
@personal_page
def sign_out_of(request: HttpRequest, person: Person, id: int) -> HttpResponse:
    end_session(person.user, id)
    messages.success(request, _("That browser is signed out."))
    return redirect("security")


def _factors(user: User) -> Factors:
    found: dict[str, list[Authenticator]] = {}
    for factor in Authenticator.objects.filter(user=user).order_by("id"):
        found.setdefault(factor.type, []).append(factor)
    app, codes = (next(iter(found.get(kind, ())), None) for kind in ("totp", "recovery_codes"))
    return Factors(app, codes, found.get("webauthn", []))


def _sessions(request: HttpRequest, user: User) -> dict[str, Any]:
    """The latest browsers, this one first."""
    rows = list(live_sessions(user)[: MOST_SHOWN + 1])
    rows.sort(key=lambda row: row.session_key != request.session.session_key)
    shown = [
        {
            "row": row,
            "browser": browser_words(row.user_agent),
            "is_this": row.session_key == request.session.session_key,
        }
        for row in rows[:MOST_SHOWN]
    ]
    return {
        "shown": shown,
        "has_others": any(not one["is_this"] for one in shown),
        "more": len(rows) > MOST_SHOWN,
    }


def _events(user: User) -> list[AuditEvent]:
    found = AuditEvent.objects.filter(object=user.public_id, action__in=list(_HAPPENED))
    return list(found.order_by("-id")[:50])


def _password_changed_at(user: User, events: list[AuditEvent]) -> datetime | None:
    if not user.has_usable_password():
        return None
    return next((event.at for event in events if event.action == Action.USER_PASSWORD_CHANGED), None)


def _told(event: AuditEvent) -> str:
    words = str(_HAPPENED[Action(event.action)])
    return words % _KINDS.get(event.detail.get("kind", ""), "") if "%s" in words else words
