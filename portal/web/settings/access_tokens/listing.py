"""``/settings/tokens``: the customer's access tokens, newest first, never their texts."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.core.scopes import SCOPES
from portal.models import ManagementToken, Membership
from portal.web.visits import Visit, customers_page, show

PAGE = 25


@require_safe
@customers_page
def access_tokens(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit.actor.require("access_tokens:read", visit.customer.pk)
    tokens = tokens_at(visit)
    before = request.GET.get("before", "")
    found = tokens.filter(pk__lt=_position(tokens, before)) if before else tokens
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


def _position(tokens: "QuerySet[ManagementToken]", public_id: str) -> int:
    """Where the page before ended; a token that was revoked meanwhile still names the place."""
    position = ManagementToken.objects.filter(public_id=public_id, customer__in=tokens.values("customer"))
    found = position.values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("page")
    return found


def _rows(tokens: Sequence[ManagementToken], visit: Visit) -> list[dict[str, Any]]:
    who = _people(visit, (token.created_by for token in tokens))
    return [
        {"token": token, "by": who(token.created_by), "scopes": in_words(token.scopes)} for token in tokens
    ]


def _people(visit: Visit, identities: Iterable[str]) -> Any:
    """What to call who made a token: colleagues by address, others not at all. One query."""
    ids = {identity.partition(" ")[2] for identity in identities}
    members = Membership.objects.filter(customer=visit.customer, user__public_id__in=ids)
    emails = dict(members.values_list("user__public_id", "user__email"))

    def called(identity: str) -> str:
        kind, _space, public_id = identity.partition(" ")
        if kind == "token":
            return _("Access token %(id)s") % {"id": public_id}
        somebody = _("%(portal)s staff or a former colleague") % {"portal": settings.PORTAL_NAME}
        return emails.get(public_id, somebody)

    return called


def in_words(scopes: Iterable[str]) -> list[dict[str, str]]:
    """Scopes with what each allows; one that isn't known any more has its name alone."""
    return [{"name": scope, "words": _(SCOPES[scope]) if scope in SCOPES else ""} for scope in scopes]
