"""The first page: what the portal is for, or straight to the dashboard."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.web.docs.values import PLACEHOLDER


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """``portal_signup``, which every template knows, says who may make an account."""
    if request.user.is_authenticated:
        return redirect("dashboard")
    context = {"api_url": settings.PORTAL_API_URL or PLACEHOLDER}
    return render(request, "portal/landing.html", context)
