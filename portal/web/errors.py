"""Error pages; for programs problem documents instead, and for htmx the title alone."""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from portal.core.clock import now
from portal.core.metrics import DATABASE_ERRORS
from portal.core.problems import PROGRAMS, database_unavailable, internal_error, problem_response
from portal.core.request_id import current_request_id
from portal.web.branding import branding
from portal.web.words import from_now

RETRY_DATABASE_SECONDS = 5
TITLES = {
    400: _("This request can't be read"),
    403: _("You may not do this"),
    404: _("There is nothing here"),
    405: _("This address can't be opened like that"),
    413: _("That was too much at once"),
    429: _("Too many tries"),
    431: _("That was too much at once"),
    500: _("Something broke on our side"),
    503: _("We are out of reach for a moment"),
}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(400, "malformed", "The request can't be read.")
    return _page(request, 400)


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(403, "not_allowed", "You may not do this.")
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(404, "not_found", "There is no such path.")
    return _page(request, 404)


def too_many_requests(
    request: HttpRequest, exception: Exception | None = None, *, retry_after: int = 60
) -> HttpResponse:
    """``retry_after`` is in seconds, for the reader and for programs."""
    return _page(request, 429, retry_after=retry_after, wait=from_now(now() + timedelta(seconds=retry_after)))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _wants_problem(request):
        return problem_response(403, "csrf_failed", "The CSRF token is missing or wrong.")
    return _page(request, 403, csrf=True)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is away is 503 and says when to come back; the rest is 500."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    if away:
        DATABASE_ERRORS.labels("request").inc()
    if _wants_problem(request):
        return database_unavailable() if away else internal_error()
    if away:
        return bare_page(request, 503, retry_after=RETRY_DATABASE_SECONDS)
    return bare_page(request, 500, request_id=current_request_id())


def too_large(request: HttpRequest, problem: HttpResponse) -> HttpResponse:
    """A request over the bounds, body (413) or head (431): the problem, or a page with its status."""
    if _wants_problem(request):
        return problem
    return bare_page(request, problem.status_code, template="413.html")


class WrongMethods:
    """Middleware: Django's empty 405 becomes a page. The API answers its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or _wants_problem(request):
            return response
        page = _page(request, 405)
        page["Allow"] = response["Allow"]
        return page


def _wants_problem(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAMS)


def _page(
    request: HttpRequest, status: int, *, retry_after: int | None = None, **context: Any
) -> HttpResponse:
    """``<status>.html`` in the frame of all pages."""
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(str(TITLES[status]), "text/plain; charset=utf-8", status)
    else:
        known = {"status": status, "title": TITLES[status], **context}
        response = render(request, f"{status}.html", known, status=status)
    return _unstored(response, retry_after)


def bare_page(
    request: HttpRequest, status: int, *, template: str = "", retry_after: int | None = None, **context: Any
) -> HttpResponse:
    """The same without asking who is there: rendered with neither database nor session."""
    with translation.override(translation.get_language_from_request(request)):
        known = {"status": status, "title": TITLES[status], **branding(request), **context}
        response = render(None, template or f"{status}.html", known, status=status)
    return _unstored(response, retry_after)


def _unstored(response: HttpResponse, retry_after: int | None) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response
