"""The overview: what needs a person, and whether keys and plugins are well. Small queries only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from portal.admin.history import Entry, shown
from portal.admin.paginator import bounded_count, shown_count
from portal.admin.show import describe, link, pill, relative, when
from portal.admin.signing_keys import note_on
from portal.core.clock import now
from portal.models import AuditEvent, Customer, IssuedKey, Operation, SigningKey, WorkerSeen
from portal.services.plugins import plugin_health

EXPIRING_WITHIN = timedelta(days=7)
WORKER_SILENT_AFTER = timedelta(seconds=30)
STUCK_AFTER = timedelta(minutes=10)
ROWS = 6


@dataclass(frozen=True)
class Card:
    label: str
    number: str
    note: str
    url: str
    alarming: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a panel: what, a state, and a remark."""

    what: SafeString | str
    state: SafeString | str = ""
    remark: SafeString | str = ""


@dataclass(frozen=True)
class Panel:
    title: str
    empty: str
    rows: list[Row]
    url: str = ""


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


def _list(model: str, query: str = "") -> str:
    return reverse(f"admin:portal_{model}_changelist") + (f"?{query}" if query else "")


def _customers() -> Card:
    number = bounded_count(Customer.objects.filter(status=Customer.Status.ACTIVE))
    return Card("Active customers", shown_count(number), "All customers", _list("customer"))


def _keys() -> Card:
    number = bounded_count(IssuedKey.objects.filter(status=IssuedKey.Status.ACTIVE))
    return Card("Active keys", shown_count(number), "All keys", _list("issuedkey", "status=active"))


def _expiring_rows() -> Any:
    return IssuedKey.objects.filter(
        status=IssuedKey.Status.ACTIVE, expires_at__gt=now(), expires_at__lte=now() + EXPIRING_WITHIN
    )


def _expiring_card() -> Card:
    number = bounded_count(_expiring_rows())
    return Card("Expiring in 7 days", shown_count(number), "Active keys", _list("issuedkey", "status=active"))


def _attention() -> Card:
    number = bounded_count(Operation.objects.filter(state=Operation.State.NEEDS_ATTENTION))
    url = _list("operation", "state__exact=needs_attention")
    return Card("Need attention", shown_count(number), "Operations that stopped", url, alarming=number > 0)


def _signing_keys() -> Panel:
    keys = SigningKey.objects.verifying().order_by("id")[:ROWS]
    rows = [
        Row(link(key, f"{key.algorithm} · {key.kid[:12]}…"), pill(key.state), note_on(key)) for key in keys
    ]
    return Panel("Signing keys", "None. Restart the portal: it makes them.", rows, _list("signingkey"))


def _stuck() -> Panel:
    state = Operation.State
    stopped = Operation.objects.select_related("customer").order_by("-id")
    found = list(stopped.filter(state=state.NEEDS_ATTENTION)[:ROWS])
    if len(found) < ROWS:
        waiting = stopped.filter(
            state__in=[state.RETRYING, state.QUEUED], created_at__lte=now() - STUCK_AFTER
        )
        found += waiting[: ROWS - len(found)]
    rows = [
        Row(
            link(operation, f"{operation.get_kind_display()} · {describe(operation.customer)}"),
            pill(operation.state),
            operation.error_code or when(operation.created_at),
        )
        for operation in found
    ]
    return Panel("Operations to look at", "All provisioning is going well.", rows, _list("operation"))


def _expiring() -> Panel:
    keys = _expiring_rows().select_related("customer").order_by("expires_at")[:ROWS]
    rows = [
        Row(link(key, f"{key.name or key.public_id} · {describe(key.customer)}"), "", when(key.expires_at))
        for key in keys
    ]
    return Panel("Keys expiring soon", "No key expires within 7 days.", rows, _list("issuedkey"))


def _health() -> Panel:
    rows = [
        Row(
            health.slug,
            pill("healthy" if health.healthy else "failed", "Healthy" if health.healthy else "Failing"),
            "; ".join(problem.detail for problem in health.problems)
            or f"Checked {relative(health.checked_at)}",
        )
        for health in plugin_health()
    ]
    seen = list(
        WorkerSeen.objects.filter(seen_at__gt=now() - WORKER_SILENT_AFTER).values_list("seen_at", flat=True)[
            :50
        ]
    )
    if seen:
        rows.append(
            Row("Worker", pill("healthy", "Running"), f"{len(seen)} running, seen {relative(max(seen))}")
        )
    else:
        last = WorkerSeen.objects.order_by("-seen_at").first()
        remark = f"Last seen {relative(last.seen_at)}" if last else "None was ever seen"
        rows.append(Row("Worker", pill("failed", "Silent"), f"{remark}: start one with manage.py worker"))
    return Panel("Plugins and worker", "No plugin is enabled.", rows)


CARDS: list[tuple[str, Callable[[], Card]]] = [
    ("view_customer", _customers),
    ("view_issuedkey", _keys),
    ("view_issuedkey", _expiring_card),
    ("view_operation", _attention),
]
PANELS: list[tuple[str, Callable[[], Panel]]] = [
    ("view_signingkey", _signing_keys),
    ("view_operation", _stuck),
    ("view_issuedkey", _expiring),
    ("view_customer", _health),
]
