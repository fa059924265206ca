"""Bounds on what a request may be, before anything reads it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.core.client_address import hides_its_sender
from portal.core.problems import LARGEST_BODY, problem_response
from portal.web.errors import too_large

LARGEST_HEAD = 32_768


class RequestBounds:
    """Refuses bodies over 1 MiB (413), heads over 32 KiB (431), and senders who hide themselves (400)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            return problem_response(400, "malformed", "Content-Length is no number.")
        if int(length[:12]) > LARGEST_BODY:
            problem = problem_response(
                413, "too_large", "A body may have at most 1 MiB. Nothing was changed."
            )
            return too_large(request, problem)
        if hides_its_sender(request.META):
            return problem_response(400, "malformed", "X-Forwarded-For is unreadable.")
        head = sum(len(name) + len(value) for name, value in request.headers.items())
        if head + len(request.get_full_path()) > LARGEST_HEAD:
            problem = problem_response(431, "head_too_large", "The request's head may have at most 32 KiB.")
            return too_large(request, problem)
        return self.get_response(request)
