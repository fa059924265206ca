"""How objects, states and instants look in lists and on detail pages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.timezone import localtime

from portal.core.clock import now
from portal.models import Customer, User

NOTHING = "–"
_TONES = {
    "good": {"active", "succeeded", "trialing", "ready", "owner", "healthy"},
    "busy": {"requested", "queued", "running", "retrying", "revoking", "staged", "pending", "unknown"},
    "bad": {"failed", "needs_attention", "revoked", "past_due", "suspended"},
}


def describe(found: Model) -> str:
    """What staff call it: a person by name and address, anything else by its own name."""
    if isinstance(found, User):
        return f"{found.name} <{found.email}>" if found.name else found.email
    if isinstance(found, Customer) and found.deleted_at is not None:
        return f"{found.public_id} (deleted)"
    return str(found)


def admin_url(found: Model) -> str | None:
    """Where its page is, or None when it has none in this admin."""
    meta = found._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(found.pk)])
    except NoReverseMatch:
        return None


def link(found: Model | None, text: str | None = None) -> SafeString | str:
    """A link to the object's page."""
    if found is None:
        return NOTHING
    return format_html('<a href="{}">{}</a>', admin_url(found), text or describe(found))


def list_link(model: type[Model], text: str, **query: Any) -> SafeString:
    """A link to a list of objects, filtered: ``customer__id__exact=7``."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return format_html('<a href="{}?{}">{}</a>', address, pairs, text)


def pill(value: str, text: str | None = None) -> SafeString:
    """A state as a coloured word."""
    tone = next((tone for tone, values in _TONES.items() if value in values), "quiet")
    return format_html(
        '<span class="pill pill-{}">{}</span>', tone, text or value.replace("_", " ").capitalize()
    )


def when(instant: datetime | None) -> SafeString | str:
    """An instant for lists: ``3 days ago``; pointing at it shows date and time."""
    if instant is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', instant.isoformat(), _exact(instant), relative(instant)
    )


def moment(instant: datetime | None) -> SafeString | str:
    """An instant for detail pages: date, time and how far away."""
    if instant is None:
        return NOTHING
    return format_html(
        '<time datetime="{}">{}</time> <span class="quiet">{}</span>',
        instant.isoformat(), _exact(instant), relative(instant),
    )  # fmt: skip


def relative(instant: datetime) -> str:
    """``3 days ago``, ``in 2 hours``, ``in 20 seconds``, ``just now``."""
    present = now()
    seconds = round((instant - present).total_seconds())
    if 0 < seconds < 60:
        return f"in {seconds} second{'s' * (seconds != 1)}"
    if -60 < seconds <= 0:
        return "just now"
    if instant > present:
        return f"in {timeuntil(instant, present, depth=1)}"
    return f"{timesince(instant, present, depth=1)} ago"


def _exact(instant: datetime) -> str:
    return f"{date_format(localtime(instant), 'j M Y, H:i')} UTC"


def words(values: Iterable[str]) -> SafeString | str:
    """Scopes and slugs, one chip each."""
    return format_html_join(" ", "<code>{}</code>", ((value,) for value in values)) or NOTHING


def code(text: str | None) -> SafeString | str:
    """An id in a fixed-width face."""
    return format_html("<code>{}</code>", text) if text else NOTHING


def lines(found: Iterable[SafeString | str]) -> SafeString | str:
    """One below the other; empty for none."""
    items = format_html_join("", "<li>{}</li>", ((line,) for line in found))
    return format_html('<ul class="plain">{}</ul>', items) if items else ""
