"""Where a person is signed in: the browsers, and ending what they shouldn't be."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portal.core.clock import now
from portal.core.errors import NotFound
from portal.models import User
from portal.services.actors import themselves
from portal.services.audit import Action, record


def live_sessions(user: User) -> "QuerySet[UserSession]":
    """The browsers in which the person is signed in, the one used last first."""
    rows: QuerySet[UserSession] = UserSession.objects.filter(_lives(), user=user)
    return rows.order_by("-last_seen_at", "-id")


def dead_sessions() -> "QuerySet[UserSession]":
    """Rows that outlived their session."""
    rows: QuerySet[UserSession] = UserSession.objects.exclude(_lives())
    return rows


def note_session(user: User, session_key: str, *, address: str, user_agent: str) -> None:
    """The browser with that session was seen just now."""
    UserSession.objects.update_or_create(
        session_key=session_key,
        defaults={"user": user, "ip": address, "user_agent": user_agent[:512], "last_seen_at": now()},
    )


def end_sessions(user: User, *, but: str = "") -> int:
    """Sign the person out of all browsers at once, except the one with the session ``but``.

    Part of a change that tells of it itself; returns how many ended.
    """
    rows = UserSession.objects.filter(user=user).exclude(session_key=but)
    return _end(rows)


def end_other_sessions(user: User, *, current: str) -> int:
    """Sign the person out everywhere else, as they asked; returns how many browsers. May be repeated."""
    with transaction.atomic():
        ended = end_sessions(user, but=current)
        if ended:
            record(themselves(user), Action.USER_SESSIONS_ENDED, user.public_id, sessions=ended)
    return ended


def end_session(user: User, session_id: int) -> None:
    """Sign the person out of one browser; raises ``NotFound`` when it isn't theirs or has ended."""
    with transaction.atomic():
        if not _end(UserSession.objects.filter(user=user, pk=session_id)):
            raise NotFound("session")
        record(themselves(user), Action.USER_SESSIONS_ENDED, user.public_id, sessions=1)


def change_of_password(user: User, *, current: str = "") -> None:
    """The password was changed: whoever knew the old one is out. ``current`` is where it was changed."""
    with transaction.atomic():
        ended = end_sessions(user, but=current)
        record(themselves(user), Action.USER_PASSWORD_CHANGED, user.public_id, sessions=ended)


def _end(rows: "QuerySet[UserSession]") -> int:
    with transaction.atomic():
        keys = list(rows.values_list("session_key", flat=True))
        ended: int = Session.objects.filter(session_key__in=keys).delete()[0]
        UserSession.objects.filter(session_key__in=keys).delete()
    return ended


def _lives() -> Exists:
    return Exists(Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now()))
