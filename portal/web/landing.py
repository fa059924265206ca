"""The first page: what the portal is for, or straight to the keys."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("dashboard")
    return render(request, "portal/landing.html", {"signup_open": settings.PORTAL_SIGNUP != "invite"})
