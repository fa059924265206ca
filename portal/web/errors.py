"""Error pages; under ``/api/`` problem documents instead."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core.metrics import DATABASE_ERRORS
from portal.core.problems import database_unavailable, internal_error, problem_response
from portal.core.request_id import current_request_id


def _wants_problem(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(400, "malformed", "The request can't be read.")
    return render(request, "400.html", status=400)


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(403, "not_allowed", "You may not do this.")
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_problem(request):
        return problem_response(404, "not_found", "There is no such path.")
    return render(request, "404.html", status=404)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _wants_problem(request):
        return problem_response(403, "csrf_failed", "The CSRF token is missing or wrong.")
    return render(request, "403.html", {"csrf": True}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is away is 503 and says when to come back; the rest is 500."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    if away:
        DATABASE_ERRORS.labels("request").inc()
    if _wants_problem(request):
        if away:
            return database_unavailable()
        return internal_error()
    status = 503 if away else 500
    context = {"request_id": current_request_id()}
    response = render(None, f"{status}.html", context, status=status)  # no context processors
    if away:
        response["Retry-After"] = "5"
    return response
