"""Showing the pages: to everybody, and to members of a customer in their frame."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.models import Membership, User
from portal.web.docs.pages import article, page_named, pages
from portal.web.docs.values import values
from portal.web.visits import Visit, customers_page, show


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """What there is to read."""
    return _show(request, "portal/docs/index.html", {"pages": pages()})


@require_safe
def docs_page(request: HttpRequest, page: str) -> HttpResponse:
    found = page_named(page)
    if found is None:
        raise Http404
    context = {"pages": pages(), "page": found, "article": article(found, values(), request)}
    return _show(request, "portal/docs/_frame.html", context)


def _show(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    if isinstance(request.user, User) and _is_member(request.user):
        return _in_customers_frame(request, template, context)
    return render(request, template, context)


def _is_member(user: User) -> bool:
    return Membership.objects.filter(user=user, customer__deleted_at=None).exists()


@customers_page
def _in_customers_frame(
    request: HttpRequest, visit: Visit, template: str, context: dict[str, Any]
) -> HttpResponse:
    return show(request, visit, template, context)
