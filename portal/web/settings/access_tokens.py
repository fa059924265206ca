"""``/settings/tokens``."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.web.visits import Visit, customers_page, show


@require_safe
@customers_page
def access_tokens(request: HttpRequest, visit: Visit) -> HttpResponse:
    return show(request, visit, "portal/page.html", {})
