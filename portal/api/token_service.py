"""``/v1/token``: a mobile backend fetches a 90-second token for a telephone number."""

import re
import time

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.core.actor import insufficient_scope
from portal.core.client_address import client_address
from portal.core.errors import Malformed, PortalError, TooMany, Unauthenticated
from portal.core.metrics import DATABASE_ERRORS, PHONE_TOKENS
from portal.core.phone_numbers import parse_phone_number
from portal.core.problems import database_unavailable, problem_response, status_of
from portal.core.token_service import TokenService
from portal.services.access_tokens import authenticate
from portal.services.actors import actor_of_token
from portal.services.phone_tokens import Request, check_phone_token, issue_phone_token

ALLOW = {"Allow": "GET, HEAD, OPTIONS"}
NO_STORE = {"Cache-Control": "no-store"}
SCOPE = "tokens:write"
XID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@csrf_exempt  # no method that changes anything is taken, and a browser's session counts for nothing here
def phone_token(request: HttpRequest, wanted: str) -> HttpResponse:
    """``<phone>`` or ``<phone>/<xid>``: the compact JWT alone, its transaction in ``X-Transaction-Id``."""
    service = settings.TOKEN_SERVICE
    if service is None:
        return problem_response(404, "not_found", "There is no such path.")
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=ALLOW)
    if request.method not in ("GET", "HEAD"):
        return problem_response(405, "method_not_allowed", "Fetch a token with GET.", headers=ALLOW)
    began_at = time.perf_counter()
    response, outcome = _answer(service, request, wanted)
    PHONE_TOKENS.labels(outcome).observe(time.perf_counter() - began_at)
    return response


def _answer(service: TokenService, request: HttpRequest, wanted: str) -> tuple[HttpResponse, str]:
    """The answer, and what came of it in a word: ``issued``, ``checked``, or the refusal's code."""
    try:
        if service.needs_bearer:
            _authorize(request)
        asked = _read(request, wanted)
        if request.method == "HEAD":
            check_phone_token(service, asked)
            return _text("", asked.xid), "checked"
        token = issue_phone_token(service, asked)
        return _text(token.text.reveal(), token.xid), "issued"
    except PortalError as refusal:
        return _refused(refusal), refusal.code
    except (OperationalError, InterfaceError):
        DATABASE_ERRORS.labels("phone_token").inc()
        return database_unavailable(), "database_unavailable"


def _authorize(request: HttpRequest) -> None:
    """Raises for a caller who is not a management token with ``tokens:write``."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    token = authenticate(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise Unauthenticated("invalid_token", "Send a valid access token as Authorization: Bearer.")
    if not actor_of_token(token).holds(SCOPE):
        raise insufficient_scope(SCOPE)


def _read(request: HttpRequest, wanted: str) -> Request:
    phone, has_xid, xid = wanted.partition("/")
    number = parse_phone_number(phone)
    if number is None:
        raise Malformed(
            "bad_phone_number",
            "This is no telephone number: country code and number, digits alone, with or without +.",
        )
    if has_xid and not XID.fullmatch(xid):
        raise Malformed("bad_xid", "An xid has 1 to 64 letters, digits, points, underscores and hyphens.")
    return Request(number, xid or None, client_address(request.META))


def _text(token: str, xid: str | None) -> HttpResponse:
    headers = {"X-Transaction-Id": xid} if xid else {}
    return HttpResponse(token, content_type="text/plain", headers={**headers, **NO_STORE})


def _refused(refusal: PortalError) -> HttpResponse:
    headers = dict(NO_STORE)
    if isinstance(refusal, TooMany):
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    elif refusal.code == "insufficient_scope":
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    return problem_response(status_of(refusal), refusal.code, refusal.detail, headers=headers)
