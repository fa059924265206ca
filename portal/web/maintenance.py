"""``PORTAL_MAINTENANCE``: customers' pages and the API rest, while what gateways rely on goes on.

What ``portal.published`` answers (JWKS, discovery, status lists, health) never comes here.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.core.problems import PROGRAMS, problem_response
from portal.web.errors import bare_page

RETRY_SECONDS = 300
_ASKED_BY_GATEWAYS = {
    ("GET", "/api/v1/verify"),
    ("HEAD", "/api/v1/verify"),
    ("POST", "/api/v1/introspect"),
}
_STAFF_SIGN_IN = ("login", "logout", "reauthenticate", "2fa", "oidc")
_OPEN = (
    f"/{settings.ADMIN_PATH}",
    settings.STATIC_URL,
    "/branding.css",
    "/language",
    *(f"/accounts/{path}/" for path in _STAFF_SIGN_IN),
)


class Maintenance:
    """Middleware before everything that asks the database. Staff get in, to see whether all is well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.PORTAL_MAINTENANCE or _goes_on(request):
            return self.get_response(request)
        if request.path.startswith(PROGRAMS):
            return problem_response(
                503,
                "maintenance",
                "The portal is being maintained, and nothing was changed. Keys keep working. "
                "Repeat this later, with the same Idempotency-Key if any.",
                headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"},
            )
        return bare_page(
            request, 503, template="maintenance.html", retry_after=RETRY_SECONDS, title=_("Back soon")
        )


def _goes_on(request: HttpRequest) -> bool:
    return request.path.startswith(_OPEN) or (request.method, request.path) in _ASKED_BY_GATEWAYS
