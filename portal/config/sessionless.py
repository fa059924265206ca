"""What programs fetch without a session is answered before what only pages need."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

PATHS = ("/v1/token/",)


class Sessionless:
    """Middleware: calls the view of ``/v1/token`` at once. Session, sign-in, language and CSRF come behind.

    They would take half the time of such an answer, and nothing in it depends on them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PATHS):
            return self.get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response
