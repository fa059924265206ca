"""Auth0's errors."""

from http import HTTPStatus
from typing import Any

from tests.fakes.faulty import Refused


def error(status: int, message: str, code: str = "") -> dict[str, Any]:
    """The Management API's form of an error."""
    body = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return {**body, "errorCode": code} if code else body


def refused(status: int, message: str, code: str = "") -> Refused:
    return Refused(status, error(status, message, code))


def invalid_body(problem: str) -> Refused:
    return refused(400, f"Payload validation error: '{problem}'.", "invalid_body")


def denied(status: int, code: str, description: str) -> Refused:
    """The token endpoint's form of an error (RFC 6749 section 5.2)."""
    return Refused(status, {"error": code, "error_description": description})
