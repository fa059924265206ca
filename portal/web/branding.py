"""What every page knows of the operator: name, logo, colour, support address."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


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
    css = f":root,html[data-theme]{{--accent:{accent};--accent-ink:{_readable_on(accent)}}}\n"
    return HttpResponse(css, content_type="text/css")


def _readable_on(color: str) -> str:
    """Black or white, whichever contrasts more (WCAG 2.2 relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"
