"""Errors as RFC 9457 problem documents, for every door that answers JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from portal.core.errors import (
    Conflict,
    Gone,
    Invalid,
    Malformed,
    NotAllowed,
    NotFound,
    PortalError,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from portal.core.request_id import current_request_id

CONTENT_TYPE = "application/problem+json"
PROGRAMS = ("/api/", "/v1/")
"""Where paths begin that programs call: they get problems instead of pages, in English."""
LARGEST_BODY = 1_048_576
"""Bytes of a request's body; more is 413."""
STATUS: Mapping[type[PortalError], int] = {
    Malformed: 400, Unauthenticated: 401, NotAllowed: 403, NotFound: 404, Conflict: 409, Gone: 410,
    Invalid: 422, TooMany: 429, Unavailable: 503,
}  # fmt: skip


def status_of(error: PortalError) -> int:
    """The HTTP status of a refusal, the same at every door."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def problem(status: int, code: str, detail: str, errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of a problem document; ``code`` is listed in docs/errors.md."""
    body: dict[str, Any] = {
        "type": f"urn:latchkey:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return body


def problem_response(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """A problem document as an answer, for what comes from outside the API's views."""
    body = problem(status, code, detail)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def internal_error() -> JsonResponse:
    """A fault of ours; ``request_id`` is what to quote: the log has it."""
    body = problem(500, "internal_error", "Something broke on our side. It was logged under request_id.")
    request_id = current_request_id()
    if request_id is not None:
        body["request_id"] = request_id
    return JsonResponse(body, status=500, content_type=CONTENT_TYPE)


def database_unavailable() -> JsonResponse:
    return problem_response(
        503,
        "database_unavailable",
        "The database doesn't answer. Repeat this in a few seconds, with the same Idempotency-Key if any.",
        headers={"Retry-After": "5"},
    )
