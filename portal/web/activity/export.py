"""The same as a CSV file, streamed: no more than a batch of entries is held at a time."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from portal.core.clock import now
from portal.core.csv_files import csv_lines
from portal.models import AuditEvent, Customer
from portal.services.exports import record_export
from portal.web.activity.filters import ActivityFilter
from portal.web.activity.page import own_events
from portal.web.entries import Entry, entries_of
from portal.web.visits import Visit, customers_page

BATCH = 1_000
COLUMNS = ("time", "who", "what_happened", "action", "object", "detail", "actor", "id")
"""For scripts too, so they are the same in every language."""


@require_GET  # a HEAD would be noted as an export
@customers_page
def activity_csv(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The file; a filter that makes no sense leads back to the page, which says why."""
    own = own_events(visit)
    form = ActivityFilter(request.GET, visit.customer)
    if not form.is_valid():
        return redirect(f"{reverse('activity')}?{request.GET.urlencode()}")
    found = form.narrow(own)
    newest = found.values_list("pk", flat=True).first() or 0  # the export's own entry is not in it
    found = found.filter(pk__lte=newest)
    record_export(
        visit.actor, "activity", filters=sorted(form.used()), rows=found.count(), customer=visit.customer
    )
    answer = StreamingHttpResponse(
        csv_lines(COLUMNS, _rows(visit.customer, found)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{_file_name(visit.customer)}"'
    return answer  # type: ignore[return-value]  # Django's streams are responses but for ``content``


def _file_name(customer: Customer) -> str:
    whose = slugify(customer.name)[:60].strip("-") or customer.public_id
    return f"activity-{whose}-{timezone.localdate(now())}.csv"


def _rows(customer: Customer, found: "QuerySet[AuditEvent]") -> Iterator[Sequence[object]]:
    """Newest first: no cursor, no transaction and no snapshot stay open."""
    language, zone = translation.get_language(), timezone.get_current_timezone()
    return _batches(customer, found, language, zone)


def _batches(
    customer: Customer, found: "QuerySet[AuditEvent]", language: str, zone: tzinfo
) -> Iterator[Sequence[object]]:
    """The file is sent after the request's end: language and time zone are given along."""
    below: int | None = None
    while True:
        batch = list((found if below is None else found.filter(pk__lt=below))[:BATCH])
        with translation.override(language), timezone.override(zone):
            rows = [_row(entry) for entry in entries_of(customer, batch)]
        yield from rows
        if len(batch) < BATCH:
            return
        below = batch[-1].pk


def _row(entry: Entry) -> Sequence[object]:
    event = entry.event
    at = timezone.localtime(event.at).isoformat(timespec="seconds")
    return (
        at, entry.who, entry.text, event.action, event.object, event.detail or None, event.actor,
        event.public_id,
    )  # fmt: skip
