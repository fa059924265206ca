"""The overview: how much there is, and what needs a person. Small queries only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from portal.admin.history import Entry, shown
from portal.admin.issued_key_filters import expiring
from portal.admin.paginator import bounded_count, shown_count
from portal.admin.panels import (
    Panel,
    expiring_keys,
    list_url,
    plugins,
    scheduled_work,
    signing_keys,
    troubled_operations,
)  # fmt: skip
from portal.admin.trouble import failing, stopped
from portal.models import AuditEvent, Customer, IssuedKey, Operation, PlanRequest


@dataclass(frozen=True)
class Card:
    label: str
    number: str
    note: str
    url: str
    alarming: bool = False


@dataclass(frozen=True)
class Dashboard:
    cards: list[Card] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    recent: list[Entry] = field(default_factory=list)


def dashboard(request: HttpRequest) -> Dashboard:
    """What the member of staff may see of it."""
    may = request.user.has_perm
    cards = [card() for permission, card in CARDS if may(f"portal.{permission}")]
    panels = [panel() for permission, panel in PANELS if may(f"portal.{permission}")]
    events = list(AuditEvent.objects.order_by("-id")[:8]) if may("portal.view_auditevent") else []
    return Dashboard(cards, panels, shown(events))


def _card(label: str, rows: Any, note: str, url: str, *, alarming: bool = False) -> Card:
    number = bounded_count(rows)
    return Card(label, shown_count(number), note, url, alarming=alarming and number > 0)


def _customers() -> Card:
    rows = Customer.objects.filter(status=Customer.Status.ACTIVE)
    return _card("Active customers", rows, "See them", list_url("customer", "status__exact=active"))


def _pending() -> Card:
    rows = Customer.objects.filter(status=Customer.Status.PENDING)
    return _card(
        "To approve", rows, "They wait for you", list_url("customer", "status__exact=pending"),
        alarming=True,
    )  # fmt: skip


def _plan_requests() -> Card:
    rows = PlanRequest.objects.open()
    return _card(
        "Plans asked for", rows, "They wait for you", list_url("planrequest", "status__exact=asked"),
        alarming=True,
    )  # fmt: skip


def _keys() -> Card:
    rows = IssuedKey.objects.in_status("active")
    return _card("Active keys", rows, "See them", list_url("issuedkey", "status=active"))


def _expiring() -> Card:
    rows = IssuedKey.objects.filter(expiring())
    return _card("Expire in 7 days", rows, "See them", list_url("issuedkey", "soon=expiring"))


def _stopped() -> Card:
    rows = Operation.objects.filter(stopped())
    return _card("Wait for a person", rows, "See why", list_url("operation", "look=stopped"), alarming=True)


def _failing() -> Card:
    rows = Operation.objects.filter(failing())
    return _card("Failing", rows, "See why", list_url("operation", "look=failing"))


CARDS: list[tuple[str, Callable[[], Card]]] = [
    ("view_customer", _customers),
    ("view_customer", _pending),
    ("view_planrequest", _plan_requests),
    ("view_issuedkey", _keys),
    ("view_issuedkey", _expiring),
    ("view_operation", _stopped),
    ("view_operation", _failing),
]
PANELS: list[tuple[str, Callable[[], Panel]]] = [
    ("view_operation", troubled_operations),
    ("view_issuedkey", expiring_keys),
    ("view_customer", plugins),
    ("view_signingkey", signing_keys),
    ("view_customer", scheduled_work),
]
