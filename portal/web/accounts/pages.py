"""What our pages have, for allauth's under ``/accounts/``."""

from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from portal.core.sign_in import has_recent_sign_in
from portal.models import User
from portal.services.second_factor import has_second_factor
from portal.web.reauthentication import ask_again
from portal.web.visits import visit_of

_PAGES = "/accounts/"
_PASSWORD_PAGES = ("account_change_password", "account_set_password")


class AccountPages:
    """Middleware: allauth's pages are never stored, ask again who it is in our way, and show the customer.

    By itself allauth keeps the request that was sent in the session meanwhile: new passwords, and the
    environment that the server hands on with it, which holds the portal's own secrets.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(_PAGES):
            response.setdefault("Cache-Control", "no-store, private")
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Passwords, of which allauth asks nobody: a first one, and one where there is a second factor."""
        match, user = request.resolver_match, request.user
        if match is None or match.url_name not in _PASSWORD_PAGES or not isinstance(user, User):
            return None
        if has_recent_sign_in(request, user) or (user.has_usable_password() and not has_second_factor(user)):
            return None
        return ask_again(request, request.path)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ReauthenticationRequired):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if request.method == "POST":
            messages.info(request, _("Confirm first, then do it once more. Nothing was changed yet."))
        return ask_again(request, request.get_full_path())

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """For the frame that the settings have, too; looked up only where a page shows it."""
        user = request.user
        if request.path.startswith(_PAGES) and isinstance(user, User):
            visit = SimpleLazyObject(lambda: visit_of(request, user))
            response.context_data = {"visit": visit, **(response.context_data or {})}
        return response
