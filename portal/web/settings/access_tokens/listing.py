"""``/settings/tokens``: the customer's access tokens, newest first, never their texts."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.core.scopes import SCOPES
from portal.models import ManagementToken
from portal.web.names import names_of, who_is
from portal.web.paging import position_of
from portal.web.visits import Visit, customers_page, show

PAGE = 25


@require_safe
@customers_page
def access_tokens(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit.actor.require("access_tokens:read", visit.customer.pk)
    tokens = tokens_at(visit)
    before = request.GET.get("before", "")
    found = tokens
    if before:  # a token that was revoked meanwhile still names the place
        found = tokens.filter(
            pk__lt=position_of(ManagementToken.objects.filter(customer=visit.customer), before)
        )
    page = list(found.order_by("-id")[: PAGE + 1])
    context = {
        "rows": _rows(page[:PAGE], visit),
        "newest_url": "/settings/tokens" if before else "",
        "older_url": f"/settings/tokens?before={page[PAGE - 1].public_id}" if len(page) > PAGE else "",
        "may_write": visit.may("access_tokens:write"),
    }
    return show(request, visit, "portal/settings/access_tokens.html", context)


def tokens_at(visit: Visit) -> "QuerySet[ManagementToken]":
    """The current customer's tokens that weren't revoked."""
    return ManagementToken.objects.visible_to(visit.actor, "access_tokens:read").filter(
        customer=visit.customer
    )


def _rows(tokens: Sequence[ManagementToken], visit: Visit) -> list[dict[str, Any]]:
    names = names_of(visit.customer, [token.created_by for token in tokens])
    return [
        {"token": token, "by": who_is(token.created_by, names), "scopes": in_words(token.scopes)}
        for token in tokens
    ]


def in_words(scopes: Iterable[str]) -> list[dict[str, str]]:
    """Scopes with what each allows; one that isn't known any more has its name alone."""
    return [{"name": scope, "words": _(SCOPES[scope]) if scope in SCOPES else ""} for scope in scopes]
