"""Sign-in's mails, which allauth sends: the same frame, person's language and caution as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation

from portal.mail.branding import branding
from portal.mail.html import html_form
from portal.mail.plain import plain_values
from portal.mail.render import AUTO_SUBMITTED, reader, subject_of
from portal.models import User


@contextmanager
def written_to(address: str) -> Iterator[None]:
    """Write as the account's owner likes it, else as the request's sender."""
    user = User.objects.filter(email=User.objects.normalize_email(address)).first()
    language = (user and user.language) or translation.get_language() or ""
    zone = (user and user.time_zone) or timezone.get_current_timezone_name()
    with reader(language, zone):
        yield


def said(context: dict[str, Any]) -> dict[str, Any]:
    """What allauth fills its templates with: a browser may call itself anything."""
    return {**plain_values(context), **branding(), "portal_signup": settings.PORTAL_SIGNUP}


def in_both_forms(message: EmailMultiAlternatives) -> EmailMultiAlternatives:
    """The mail with its HTML form beside its text, within ``written_to``."""
    title = str(message.subject).removeprefix(subject_of(""))
    message.body = f"{str(message.body).strip()}\n"
    message.attach_alternative(html_form(title, message.body), "text/html")
    message.extra_headers.update(AUTO_SUBMITTED)
    return message
