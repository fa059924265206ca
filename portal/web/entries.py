"""Entries of a customer's audit log in words, with the people and things that they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.models import AuditEvent, Customer
from portal.web.actions import sentence_of
from portal.web.names import Names, names_of, who_is


@dataclass(frozen=True)
class Entry:
    """``sentence`` with links, ``text`` without."""

    event: AuditEvent
    who: str
    what: str
    sentence: SafeString
    text: str

    @property
    def at(self) -> datetime:
        return self.event.at


def entries_of(customer: Customer, events: Sequence[AuditEvent]) -> list[Entry]:
    """The entries of one customer's chain in the current language. One query at most."""
    names = names_of(customer, [named for event in events for named in (event.object, event.actor)])
    return [_entry(event, names, customer) for event in events]


def _entry(event: AuditEvent, names: Names, customer: Customer) -> Entry:
    sentence, who = sentence_of(event), who_is(event.actor, names)
    what = customer.name if event.object == customer.public_id else _what(event.object, names)
    linked = _linked(event.object, what, names)
    return Entry(
        event, who, what,
        format_html(sentence, who=format_html("<strong>{}</strong>", who), what=linked),
        sentence.format(who=who, what=what),
    )  # fmt: skip


def _what(public_id: str, names: Names) -> str:
    return names.called.get(public_id) or (
        _("a former colleague") if public_id.startswith("usr_") else public_id
    )


def _linked(public_id: str, name: str, names: Names) -> SafeString | str:
    """With a link where the object is the customer's own and has a page."""
    if public_id not in names.called:
        return name
    match public_id.partition("_")[0]:
        case "key":
            url = reverse("key", args=[public_id])
        case "usr" | "inv":
            url = reverse("team")
        case "req" | "sub":
            url = reverse("plans")
        case "tok":
            url = reverse("access-tokens")
        case _:
            return name
    return format_html('<a href="{}">{}</a>', url, name)
