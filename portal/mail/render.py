"""What a mail says: its text from the templates in templates/mail, and the same in HTML."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.mail.branding import branding
from portal.mail.html import html_form
from portal.mail.plain import plain_values

ZONES = available_timezones()
AUTO_SUBMITTED = {"Auto-Submitted": "auto-generated"}
"""RFC 3834: nobody's holiday notice answers it."""


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str
    html: str


def render(name: str, *, language: str, time_zone: str, **values: Any) -> Mail:
    """The mail of ``templates/mail/<name>_subject.txt`` and ``<name>.txt``, under the portal's name.

    Texts in ``values`` are taken for what somebody typed, unless their names end in ``_url``.
    """
    context = {**plain_values(values), **branding()}
    with reader(language, time_zone):
        # A line end in a subject would begin another header.
        title = " ".join(render_to_string(f"mail/{name}_subject.txt", context).split())
        text = render_to_string(f"mail/{name}.txt", context).strip() + "\n"
        return Mail(subject_of(title), text, html_form(title, text))


def subject_of(title: str) -> str:
    return f"[{settings.PORTAL_NAME}] {title}"


@contextmanager
def reader(language: str, time_zone: str) -> Iterator[None]:
    """Write in that language and time zone; in English and UTC for who chose none."""
    spoken = language if language in dict(settings.LANGUAGES) else "en"
    zone = ZoneInfo(time_zone if time_zone in ZONES else "UTC")
    with translation.override(spoken), timezone.override(zone):
        yield
