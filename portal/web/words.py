"""Spans and instants as people say them, in the current language."""

from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy, npgettext_lazy

from portal.core.clock import now

_YEAR, _DAY, _HOUR, _MINUTE, _SECOND = (
    timedelta(days=365), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1),
)  # fmt: skip
_SPANS = {
    _YEAR: ngettext_lazy("%d year", "%d years"),
    _DAY: ngettext_lazy("%d day", "%d days"),
    _HOUR: ngettext_lazy("%d hour", "%d hours"),
    _MINUTE: ngettext_lazy("%d minute", "%d minutes"),
    _SECOND: ngettext_lazy("%d second", "%d seconds"),
}
# Whole phrases: in many languages the noun's ending follows the preposition.
_AHEAD = {
    _YEAR: npgettext_lazy("from now", "in %d year", "in %d years"),
    _DAY: npgettext_lazy("from now", "in %d day", "in %d days"),
    _HOUR: npgettext_lazy("from now", "in %d hour", "in %d hours"),
    _MINUTE: npgettext_lazy("from now", "in %d minute", "in %d minutes"),
    _SECOND: npgettext_lazy("from now", "in %d second", "in %d seconds"),
}
_BEFORE = {
    _YEAR: npgettext_lazy("from now", "%d year ago", "%d years ago"),
    _DAY: npgettext_lazy("from now", "%d day ago", "%d days ago"),
    _HOUR: npgettext_lazy("from now", "%d hour ago", "%d hours ago"),
    _MINUTE: npgettext_lazy("from now", "%d minute ago", "%d minutes ago"),
}


def exact_span(span: timedelta) -> str:
    """The span in the largest unit that divides it: ``30 days``, ``1 year``, ``36 hours``."""
    size = next((size for size in _SPANS if not span % size), _SECOND)
    return _SPANS[size] % (span // size)


def lasting(span: timedelta) -> str:
    """The same of something that runs out by the clock: ``24 hours`` and not ``1 day``."""
    return _SPANS[_HOUR] % 24 if span == timedelta(days=1) else exact_span(span)


def rough_span(span: timedelta) -> str:
    """The span rounded to one unit, small enough to say something: ``90 minutes``, ``30 days``."""
    size = _roughly(span)
    return _SPANS[size] % round(span / size)


def from_now(instant: datetime) -> str:
    """``in 30 days``, ``3 hours ago``, ``just now``."""
    away = instant - now()
    if abs(away) < timedelta(minutes=1):
        return _("in a moment") if away > timedelta(0) else _("just now")
    size = _roughly(abs(away))
    if away > timedelta(0):
        return _AHEAD[size] % round(away / size)
    size = max(size, _MINUTE)  # nobody counts the seconds since
    return _BEFORE[size] % round(-away / size)


def _roughly(span: timedelta) -> timedelta:
    return next((size for size in _SPANS if span >= 2 * size), _SECOND)


def breakable(email: str) -> SafeString:
    """The address, which a narrow column breaks before its @ rather than within a word."""
    mailbox, _at, domain = email.rpartition("@")
    return format_html("{}<wbr>@{}", mailbox, domain)
