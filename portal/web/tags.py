"""Template tags that every template has: instants in the reader's time zone."""

from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone, localtime

from portal.core.sign_in import passkeys_work
from portal.web.words import breakable, from_now

register = template.Library()


@register.simple_tag
def instant(at: datetime) -> SafeString:
    """``21 Nov 2026, 15:04 CET`` as a ``<time>`` element."""
    return _time(at, exact(at))


@register.simple_tag
def day(at: datetime) -> SafeString:
    """``21 Nov 2026``; the whole instant when pointed at."""
    return _time(at, date_format(localtime(at), "DATE_FORMAT"), exact(at))


@register.simple_tag
def ago(at: datetime) -> SafeString:
    """``3 hours ago``, ``in 30 days``; the whole instant when pointed at."""
    return _time(at, from_now(at), exact(at))


def exact(at: datetime) -> str:
    """The instant to the minute in the current language and time zone, which it names."""
    local = localtime(at)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname() or get_current_timezone()}"


def _time(at: datetime, words: str, title: str = "") -> SafeString:
    if title:
        return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), title, words)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), words)


register.simple_tag(passkeys_work)
register.filter(breakable)
