"""What is noted around signing in: the browser, its last visit, and what a new password ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.signals import password_changed, password_reset, password_set, user_logged_in
from django.conf import settings
from django.db import Error
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from portal.core.clock import now
from portal.core.metrics import DATABASE_ERRORS
from portal.models import User
from portal.services.devices import FORGOTTEN_AFTER, recognise_device
from portal.services.sessions import change_of_password, note_session
from portal.web.browsers import browser_words

log = structlog.get_logger("portal.sign_ins")
NOTED_EVERY = timedelta(minutes=5)
MOST_SESSIONS = 50_000
DEVICE_COOKIE = "__Host-device" if settings.SECURE else "device"


class LastSeen:
    """Middleware: notes a session's last visit at most once in five minutes a process.

    What was noted is kept in memory, so that no page writes a row or asks for one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._noted: dict[str, datetime] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "_cached_user", None)  # only if it was asked for: nothing is looked up here
        if isinstance(user, User) and request.session.session_key:
            self._note(request, user, request.session.session_key)
        return response

    def _note(self, request: HttpRequest, user: User, key: str) -> None:
        noted_at = self._noted.get(key)
        if noted_at is not None and now() < noted_at + NOTED_EVERY:
            return
        if len(self._noted) >= MOST_SESSIONS:
            self._noted.clear()
        self._noted[key] = now()
        try:
            note_session(
                user, key, address=_address(request), user_agent=request.headers.get("User-Agent", "")
            )
        except Error as exc:  # the answer is ready: it doesn't wait for a database that went away
            log.warning("sign_ins.database_away", error=type(exc).__name__)
            DATABASE_ERRORS.labels("last_seen").inc()


def _address(request: HttpRequest) -> str:
    return str(get_adapter(request).get_client_ip(request))


@receiver(user_logged_in)
def recognise(request: HttpRequest, user: User, response: HttpResponse | None = None, **_: Any) -> None:
    """Remember the browser in a cookie of its own, which outlives sessions."""
    token = recognise_device(
        user,
        request.COOKIES.get(DEVICE_COOKIE, ""),
        browser=browser_words(request.headers.get("User-Agent", "")),
        address=_address(request),
    )
    if response is not None:
        response.set_cookie(
            DEVICE_COOKIE,
            token,
            max_age=FORGOTTEN_AFTER,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )


@receiver([password_changed, password_set])
def others_are_out(request: HttpRequest, user: User, **_: Any) -> None:
    change_of_password(user, current=request.session.session_key or "")


@receiver(password_reset)
def all_are_out(user: User, **_: Any) -> None:
    change_of_password(user)
