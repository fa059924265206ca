"""Entries of a customer's audit log in words, with the people and things that they name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.models import (
    AuditEvent,
    Customer,
    Invitation,
    IssuedKey,
    ManagementToken,
    PlanRequest,
    Subscription,
    User,
)  # fmt: skip
from portal.web.actions import sentence_of


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
    names = _names(customer, events)
    return [_entry(event, names, customer) for event in events]


def _entry(event: AuditEvent, names: Mapping[str, str], customer: Customer) -> Entry:
    sentence, who = sentence_of(event), _who(event.actor, names)
    what = customer.name if event.object == customer.public_id else _what(event.object, names)
    linked = _linked(event.object, what, names)
    return Entry(
        event, who, what,
        format_html(sentence, who=format_html("<strong>{}</strong>", who), what=linked),
        sentence.format(who=who, what=what),
    )  # fmt: skip


def _who(identity: str, names: Mapping[str, str]) -> str:
    """Members by name; other people are not the customer's to know."""
    kind, _space, public_id = identity.partition(" ")
    if kind == "user":
        return names.get(public_id) or _("A former colleague or %(portal)s staff") % {
            "portal": settings.PORTAL_NAME
        }
    if kind == "token" and public_id in names:
        return _("The access token %(name)s") % {"name": names[public_id]}
    if kind == "token":
        return _("An access token of %(portal)s staff") % {"portal": settings.PORTAL_NAME}
    return _("The portal")


def _what(public_id: str, names: Mapping[str, str]) -> str:
    return names.get(public_id) or (_("a former colleague") if public_id.startswith("usr_") else public_id)


def _linked(public_id: str, name: str, names: Mapping[str, str]) -> SafeString | str:
    """With a link where the object is the customer's own and has a page."""
    if public_id not in names:
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


def _names(customer: Customer, events: Iterable[AuditEvent]) -> dict[str, str]:
    """What the customer calls the people and things that the entries name, by public id."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for public_id in (event.object, event.actor.partition(" ")[2]):
            wanted[public_id.partition("_")[0]].add(public_id)
    named = [_called(prefix, customer, ids) for prefix, ids in wanted.items() if prefix in _CALLED]
    if not named:
        return {}
    first, *others = named
    return dict(first.union(*others, all=True) if others else first)


_NAME_OR_EMAIL = Coalesce(NullIf(F("name"), Value("")), F("email"))
_NAME_OR_ID = Coalesce(NullIf(F("name"), Value("")), F("public_id"))
_CALLED: dict[str, tuple[Any, str, Any]] = {
    "usr": (User, "memberships__customer", _NAME_OR_EMAIL),
    "key": (IssuedKey, "customer", F("name")),
    "tok": (ManagementToken, "customer", _NAME_OR_ID),
    "inv": (Invitation, "customer", F("email")),
    "req": (PlanRequest, "customer", F("plan__name")),
    "sub": (Subscription, "customer", F("plan__name")),
}
"""For each prefix of ids: the model, its way to the customer, and what its rows are called."""


def _called(prefix: str, customer: Customer, ids: set[str]) -> "QuerySet[Any, tuple[str, str]]":
    model, owner, name = _CALLED[prefix]
    rows = model._default_manager.filter(**{owner: customer, "public_id__in": sorted(ids)}).order_by()
    return rows.annotate(called=Cast(name, CharField())).values_list("public_id", "called")  # type: ignore[no-any-return]
