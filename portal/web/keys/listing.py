"""``/keys``: a customer's keys, newest first."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.models import IssuedKey
from portal.services.plans import effective_plan
from portal.web.keys.shown import FILTERS, STATUS, expiry_words, status_of_key
from portal.web.visits import Visit, customers_page, show

PAGE = 25


@require_safe
@customers_page
def key_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    keys = IssuedKey.objects.visible_to(visit.actor, "keys:read").filter(customer=visit.customer)
    status = request.GET.get("status", "")
    found = keys.in_status(status) if status in STATUS else keys
    before = request.GET.get("before")
    if before:
        found = found.filter(pk__lt=_position(keys, before))
    page = list(found.select_related("user").order_by("-id")[: PAGE + 1])
    plan, _ = effective_plan(visit.customer)
    context = {
        "rows": [_row(key) for key in page[:PAGE]],
        "filters": _filters(status),
        "filtered_by": STATUS[status].words.lower() if status in STATUS else "",
        "newest_url": _url(status) if before else "",
        "older_url": _url(status, page[PAGE - 1].public_id) if len(page) > PAGE else "",
        "plan": plan,
        "in_use": keys.counted().count(),
    }
    return show(request, visit, "portal/keys/list.html", context)


def _position(keys: Any, public_id: str) -> int:
    """Where the page before ended; keys are never deleted, so it stays there."""
    position: int | None = keys.filter(public_id=public_id).values_list("pk", flat=True).first()
    if position is None:
        raise NotFound("page")
    return position


def _row(key: IssuedKey) -> dict[str, Any]:
    return {"key": key, "status": status_of_key(key), "expires": expiry_words(key)}


def _filters(chosen: str) -> list[dict[str, Any]]:
    choices = [("", "All"), *((code, STATUS[code].words) for code in FILTERS)]
    return [{"words": words, "url": _url(code), "current": code == chosen} for code, words in choices]


def _url(status: str, before: str = "") -> str:
    query = urlencode({name: value for name, value in (("status", status), ("before", before)) if value})
    return f"/keys?{query}" if query else "/keys"
