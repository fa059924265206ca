"""Every error as an RFC 9457 problem document."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from portal.core.errors import PortalError
from portal.core.metrics import DATABASE_ERRORS
from portal.core.problems import CONTENT_TYPE, problem, problem_response, status_of

log = structlog.get_logger("portal.api")


def problem_of(error: PortalError) -> dict[str, Any]:
    return problem(status_of(error), error.code, error.detail, error.errors)


@csrf_exempt  # it changes nothing, and a wrong path is what the caller should hear of
def not_found(request: HttpRequest) -> JsonResponse:
    return problem_response(404, "not_found", "There is no such path under /api/v1.")


def handle(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler; None lets an unexpected error be a 500."""
    headers: dict[str, str] = {}
    match exc:
        case PortalError():
            body = problem_of(exc)
            if exc.code == "insufficient_scope":
                headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
        case exceptions.ValidationError():
            body = problem(
                422, "invalid", "Some members are not acceptable; see errors.", _fields(exc.detail)
            )
        case exceptions.ParseError():
            body = problem(400, "malformed", str(exc.detail))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            body = problem(401, exc.get_codes(), str(exc.detail))  # type: ignore[arg-type]  # one code here
            headers["WWW-Authenticate"] = _challenge(exc)
        case exceptions.UnsupportedMediaType():
            body = problem(415, "unsupported_media_type", str(exc.detail))
        case exceptions.MethodNotAllowed():
            body = problem(405, "method_not_allowed", str(exc.detail))
            headers["Allow"] = ", ".join(context["view"].allowed_methods)
        case Http404():
            body = problem(404, "not_found", "There is no such object, or you may not see it.")
        case PermissionDenied() | exceptions.PermissionDenied():
            code = "csrf_failed" if "CSRF" in str(exc) else "not_allowed"
            body = problem(403, code, str(exc) or "You may not do this.")
        case OperationalError() | InterfaceError():
            log.error("api.database_error", error=type(exc).__name__)
            DATABASE_ERRORS.labels("request").inc()
            body = problem(503, "database_unavailable", "The database doesn't answer. Try again.")
            headers["Retry-After"] = "5"
        case _:
            return None
    return Response(body, status=body["status"], content_type=CONTENT_TYPE, headers=headers)


def _challenge(exc: exceptions.APIException) -> str:
    if isinstance(exc, exceptions.NotAuthenticated):
        return "Bearer"
    return 'Bearer error="invalid_token"'


def _fields(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"body": detail}
