"""Staff work with two factors: without the second one the administration stays closed.

What counts is the session: one that began with less, before a factor was enrolled elsewhere for
example, is not enough until it is confirmed with the factor.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core.sign_in import used_second_factor
from portal.models import User
from portal.services.second_factor import has_second_factor, must_show_second_factor
from portal.web.reauthentication import ask_again


class StaffSecondFactor:
    """Middleware: leads staff from the administration to where they enrol a second factor or confirm it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._admin = f"/{settings.ADMIN_PATH}"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_admin = request.path.startswith(self._admin) and request.path != reverse("admin:logout")
        if is_admin and isinstance(request.user, User) and lacks_second_factor(request, request.user):
            return self._to_the_factor(request, request.user)
        return self.get_response(request)

    def _to_the_factor(self, request: HttpRequest, user: User) -> HttpResponse:
        if not has_second_factor(user):
            return redirect("security")  # which says what for
        messages.info(request, _("The administration opens only with your second factor."))
        return ask_again(request, request.get_full_path() if request.method == "GET" else self._admin)


def lacks_second_factor(request: HttpRequest, user: User) -> bool:
    """Whether this session is too weak for what the user may do as staff."""
    return must_show_second_factor(user, shown=used_second_factor(request, user))
