"""The page: a customer's audit log, newest first, in words."""

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.models import AuditEvent
from portal.web.activity.filters import ActivityFilter
from portal.web.entries import entries_of
from portal.web.paging import position_of
from portal.web.visits import Visit, customers_page, show

PAGE = 50
LOOKED_THROUGH = 100_000
"""So many entries are read for one page of a filtered list; it may end short and go on from there."""


@require_safe
@customers_page
def activity(request: HttpRequest, visit: Visit) -> HttpResponse:
    own = own_events(visit)
    form = ActivityFilter(request.GET, visit.customer)
    before = request.GET.get("before", "")
    below = own.filter(pk__lt=position_of(own, before)) if before else own
    end = _end(below) if form.used() else None
    page = list(form.narrow(below if end is None else below.filter(pk__gte=end[0]))[: PAGE + 1])
    older = page[PAGE - 1].public_id if len(page) > PAGE else end[1] if end else ""
    context = {
        "form": form,
        "entries": entries_of(visit.customer, page[:PAGE]),
        "is_filtered": bool(form.used()),
        "looked_through": LOOKED_THROUGH if end and len(page) <= PAGE else None,
        "newest_url": _url(form) if before else "",
        "older_url": _url(form, before=older) if older and form.is_valid() else "",
        "csv_url": f"{reverse('activity-csv')}?{urlencode(form.used())}".rstrip("?"),
    }
    return show(request, visit, "portal/activity/list.html", context)


def own_events(visit: Visit) -> "QuerySet[AuditEvent]":
    """The customer's entries, newest first; raises ``NotAllowed`` for who may not read them."""
    visit.actor.require("audit:read", visit.current.customer_id)
    return AuditEvent.objects.filter(customer=visit.customer).order_by("-id").defer("mac")


def _end(events: "QuerySet[AuditEvent]") -> tuple[int, str] | None:
    """How far one page looks; None when that is to the beginning."""
    ends = events.values_list("pk", "public_id")[LOOKED_THROUGH - 1 : LOOKED_THROUGH]
    return next(iter(ends), None)


def _url(form: ActivityFilter, **place: str) -> str:
    query = urlencode({**form.used(), **place})
    return f"{reverse('activity')}?{query}" if query else reverse("activity")
