"""What every page knows of the operator: name, logo, colour, support address."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from portal.core.colors import readable_on


def branding(request: HttpRequest) -> dict[str, str]:
    """Template context."""
    return {
        "portal_name": settings.PORTAL_NAME,
        "portal_logo_url": settings.PORTAL_LOGO_URL,
        "portal_support_email": settings.PORTAL_SUPPORT_EMAIL,
        "portal_base_url": settings.PORTAL_BASE_URL,
        "portal_signup": settings.PORTAL_SIGNUP,
    }


@require_safe
@cache_control(public=True, max_age=300)
def branding_css(request: HttpRequest) -> HttpResponse:
    """The accent colour as a style sheet: the CSP allows no inline styles."""
    accent = settings.PORTAL_ACCENT_COLOR
    css = f":root,html[data-theme]{{--accent:{accent};--accent-ink:{readable_on(accent)}}}\n"
    return HttpResponse(css, content_type="text/css")
