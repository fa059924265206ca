"""Around every request that reaches Django: its id, one line in the log, one measurement."""

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from portal.core.actor import Actor
from portal.core.metrics import HTTP_REQUESTS
from portal.core.request_id import request_id_from
from portal.models import User

log = structlog.get_logger("portal.http")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestLog:
    """Outermost of all middleware. Logs the route's pattern: paths and queries may hold what is private."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began_at = time.perf_counter()
        request_id = request_id_from(request.headers.get("X-Request-Id"))
        # Threads answer many requests: what the last one bound must not be this one's.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            self._note(request, response.status_code, time.perf_counter() - began_at)
        finally:
            clear_contextvars()
        return response

    def _note(self, request: HttpRequest, status: int, seconds: float) -> None:
        route = route_of(request)
        method = request.method if request.method in METHODS else "other"
        HTTP_REQUESTS.labels(route, method, f"{status // 100}xx").observe(seconds)
        tell = log.debug if route == "static" else log.info
        tell(
            "http.request", method=method, route=route, status=status,
            duration_ms=round(seconds * 1000, 1), actor=actor_of(request),
        )  # fmt: skip


def route_of(request: HttpRequest) -> str:
    """The pattern that the path matched, ``api/v1/keys/<str:key_id>``: as many values as there are routes."""
    if request.resolver_match is not None:
        return str(request.resolver_match.route)
    return "static" if request.path.startswith(settings.STATIC_URL) else "unmatched"


def actor_of(request: HttpRequest) -> str | None:
    """Who called, by id, if that was asked for while answering; looks nothing up."""
    actor = getattr(request, "auth", None)
    if isinstance(actor, Actor):
        return actor.identity
    user = getattr(request, "_cached_user", None)
    return user.identity if isinstance(user, User) else None
