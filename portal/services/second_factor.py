"""Second factors beyond what allauth stores by itself: codes spent, changes noted, a lost phone's reset."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotFound
from portal.models import User
from portal.services.actors import themselves
from portal.services.audit import Action, record
from portal.services.sessions import end_sessions

Kind = Authenticator.Type
SPENT = "spent_counter"
"""In ``Authenticator.data``: the time step of the latest code that was accepted."""


def has_second_factor(user: User) -> bool:
    """Whether signing in asks for more than a password; recovery codes alone are no factor."""
    return bool(Authenticator.objects.filter(user=user, type__in=(Kind.TOTP, Kind.WEBAUTHN)).exists())


def must_show_second_factor(user: User, *, shown: bool) -> bool:
    """Whether staff powers wait for a second factor; ``shown`` is whether the session saw one.

    Development forces nobody. A factor that was shown and removed afterwards counts no more.
    """
    return user.is_staff and not settings.DEVELOPMENT and not (shown and has_second_factor(user))


def spend_code(authenticator_id: int, counter: int) -> bool:
    """Accept the app's code of that time step unless it, or a later one, was accepted before.

    RFC 6238 section 5.2: a code is accepted once.
    """
    with transaction.atomic():
        app = Authenticator.objects.select_for_update(no_key=True).filter(pk=authenticator_id).first()
        if app is None or app.data.get(SPENT, -1) >= counter:
            return False
        app.data[SPENT] = counter
        app.save(update_fields=["data"])
    return True


def note_change(user: User, action: Action, kind: str) -> None:
    """Leave in the audit log what a person did to their own second factors."""
    with transaction.atomic():
        record(themselves(user), action, user.public_id, kind=kind)


def reset_second_factor(actor: Actor, user_id: int) -> None:
    """Remove all second factors of somebody who lost theirs, and end their sessions.

    The password is all they need next time. Raises ``Conflict`` for oneself and when there is none.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
        if user is None:
            raise NotFound("user")
        if actor.user_id == user.pk:
            raise Conflict(
                "not_yourself", "Remove your own second factor in your settings. Nothing was changed."
            )
        removed = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        if not removed:
            raise Conflict("no_second_factor", "This person has no second factor. Nothing was changed.")
        Authenticator.objects.filter(user=user).delete()
        ended = end_sessions(user)
        record(actor, Action.USER_MFA_RESET, user.public_id, kinds=sorted(removed), sessions=ended)
