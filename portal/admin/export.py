"""Lists as CSV files: what the list shows at present, filtered and searched, streamed row by row."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.text import slugify

from portal.core.clock import now
from portal.core.csv_files import csv_lines
from portal.services.actors import actor_of_user
from portal.services.exports import record_export

if TYPE_CHECKING:
    from portal.admin.base import PortalModelAdmin

Columns = Mapping[str, str | Combinable]
"""Header → field path or expression. Never a secret, a fingerprint or a digest."""

MOST = 100_000
"""So many rows one file may have. More are refused, for a list that was cut in silence misleads."""
CHUNK = 1_000


def export(model_admin: "PortalModelAdmin", request: HttpRequest) -> HttpResponseBase:
    """The list as a file; refuses one that is too long. The export itself is audited."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    back = f"../?{request.GET.urlencode()}"
    try:
        rows = model_admin.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(back)  # the list says what is wrong
    number = rows.order_by().values("pk")[: MOST + 1].count()
    if number > MOST:
        told = f"More than {MOST:,} rows: filter or search the list first. Nothing was exported."
        model_admin.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(back)
    name = str(model_admin.opts.model_name)
    narrowed = sorted(name for name, value in request.GET.items() if value and name != PAGE_VAR)
    record_export(actor_of_user(request.user), name, filters=narrowed, rows=number)  # type: ignore[arg-type]  # signed in
    columns = model_admin.export_columns()
    answer = StreamingHttpResponse(
        csv_lines(columns, _rows(columns, rows)), content_type="text/csv; charset=utf-8"
    )
    title = slugify(str(model_admin.opts.verbose_name_plural))
    answer["Content-Disposition"] = f'attachment; filename="{title}-{now():%Y-%m-%dT%H%MZ}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _rows(columns: Columns, rows: "QuerySet[Any]") -> Iterator[Sequence[Any]]:
    """Newest first, a thousand at a time: no cursor, no transaction and no snapshot stay open."""
    below: int | None = None
    while True:
        chunk = rows.order_by("-pk") if below is None else rows.order_by("-pk").filter(pk__lt=below)
        found = list(chunk.values_list("pk", *columns.values())[:CHUNK])
        yield from (row[1:] for row in found)
        if len(found) < CHUNK:
            return
        below = found[-1][0]
