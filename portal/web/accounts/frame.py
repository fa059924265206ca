"""allauth's pages for signed-in people stand in the frame of the settings, which shows the customer."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import SimpleLazyObject

from portal.models import User
from portal.web.visits import visit_of


class AccountFrame:
    """Middleware: gives those pages the visit, which is looked up only where one shows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        user = request.user
        if request.path.startswith("/accounts/") and isinstance(user, User):
            visit = SimpleLazyObject(lambda: visit_of(request, user))
            response.context_data = {"visit": visit, **(response.context_data or {})}
        return response
