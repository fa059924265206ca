"""``/keys``: a customer's keys, newest first."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.core.plugins import registry
from portal.models import IssuedKey
from portal.models.issued_key import IssuedKeyQuerySet
from portal.services.plans import effective_plan
from portal.web.keys.countdown import countdown_to
from portal.web.keys.filters import SEARCHED, Filters
from portal.web.keys.tally import tally_of
from portal.web.keys.words import STATUS, expiry_words, kind_words, last_use_words, status_of_key
from portal.web.paging import position_of
from portal.web.visits import Visit, customers_page, show

PAGE = 25


@require_safe
@customers_page
def key_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    filters = Filters.of(request)
    keys = IssuedKey.objects.visible_to(visit.actor, "keys:read").filter(customer=visit.customer)
    plan, _ = effective_plan(visit.customer)
    tally = tally_of(visit.customer, keys, filters.among(visit.user), plan.max_keys)
    last = request.GET.get("before", "")
    before = position_of(keys, last) if last else None
    floor = _floor(keys, before) if filters.looks_at_many else None
    found = filters.applied(keys, visit.user)
    if before is not None:
        found = found.filter(pk__lt=before)
    if floor is not None:
        found = found.filter(pk__gte=floor.pk)
    page = list(found.select_related("user").order_by("-id")[: PAGE + 1])
    older = page[PAGE - 1] if len(page) > PAGE else floor
    context = {
        "rows": [_row(key) for key in page[:PAGE]],
        "filters": filters,
        "pills": filters.pills(tally),
        "kinds": [(slug, kind_words(slug)) for slug in registry().slugs] if len(registry().slugs) > 1 else [],
        "has_keys": filters.are_set or bool(tally.total),
        "filtered_by": STATUS[filters.status].words if filters.status else "",
        "newest_url": filters.url() if before is not None else "",
        "older_url": filters.url(before=older.public_id) if older else "",
        "searched": SEARCHED,
        "plan": plan,
        "tally": tally,
    }
    return show(request, visit, "portal/keys/list.html", context)


def _floor(keys: IssuedKeyQuerySet, before: int | None) -> IssuedKey | None:
    """The last key that a search looks at, so that it costs the same however many there are.

    None when it looks at all of them. One index gives it.
    """
    within = keys if before is None else keys.filter(pk__lt=before)
    ends = list(within.order_by("-id").only("public_id")[SEARCHED - 1 : SEARCHED + 1])
    return ends[0] if len(ends) > 1 else None


def _row(key: IssuedKey) -> dict[str, Any]:
    return {
        "key": key,
        "status": status_of_key(key),
        "kind": kind_words(key.plugin),
        "expires": expiry_words(key),
        "last_use": last_use_words(key),
        "countdown": countdown_to(key.retires_at) if key.is_usable else None,
    }
