"""The page: plan, keys, what needs attention, what happened, and two charts."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.views.decorators.http import require_safe

from portal.models import AuditEvent
from portal.services.plans import effective_plan
from portal.web.counts import COUNTED, up_to
from portal.web.dashboard.attention import Noticed, items_of, noticed_keys
from portal.web.dashboard.days import charts_of
from portal.web.dashboard.facts import Facts, facts_of
from portal.web.dashboard.first_steps import first_steps
from portal.web.entries import Entry, entries_of
from portal.web.keys.words import STATUS, status_of_key
from portal.web.visits import Visit, customers_page, show
from portal.web.words import exact_span

RECENT = 8


@require_safe
@customers_page
def dashboard(request: HttpRequest, visit: Visit) -> HttpResponse:
    plan, subscription = effective_plan(visit.customer)
    facts = facts_of(visit, plan.max_keys)
    noticed = noticed_keys(visit)
    context: dict[str, Any] = {
        "plan": plan,
        "subscription": subscription,
        "lacks_subscription": plan.requires_subscription and subscription is None,
        "longest": exact_span(plan.longest_life) if plan.longest_life else "",
        "facts": facts,
        "in_use": up_to(plan.max_keys or COUNTED, facts.in_use),
        "used_percent": min(100, round(100 * facts.in_use / (plan.max_keys or 1))),
        "is_full": plan.max_keys is not None and facts.in_use >= plan.max_keys,
        "states": _states(facts),
        "steps": first_steps(visit, facts),
        "items": items_of(visit, facts, noticed),
        "charts": charts_of(visit),
        "recent": _recent(visit) if visit.may_read_activity else [],
        "latest": _latest(noticed),
    }
    return show(request, visit, "portal/dashboard/page.html", context)


@dataclass(frozen=True)
class State:
    """How many keys are in a state, and where they are listed."""

    words: str | Promise
    tone: str
    number: str
    url: str


def _states(facts: Facts) -> list[State]:
    """Active keys in any case, other states where there are any."""
    return [
        State(
            STATUS[code].words,
            STATUS[code].tone,
            up_to(COUNTED, number),
            f"{reverse('keys')}?status={code}",
        )
        for code, number in facts.by_status.items()
        if number or code == "active"
    ]


def _recent(visit: Visit) -> list[Entry]:
    """Two queries: the newest entries by their customer's index, and the names in them."""
    events = AuditEvent.objects.filter(customer=visit.customer).order_by("-id").defer("mac")[:RECENT]
    return entries_of(visit.customer, list(events))


def _latest(noticed: Noticed) -> list[dict[str, Any]]:
    return [{"key": key, "status": status_of_key(key)} for key in noticed.latest]
