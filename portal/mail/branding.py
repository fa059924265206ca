"""Whose mail it is."""

from django.conf import settings


def branding() -> dict[str, str]:
    """What every mail's template knows of the operator."""
    return {
        "portal_name": settings.PORTAL_NAME,
        "portal_logo_url": settings.PORTAL_LOGO_URL,
        "portal_base_url": settings.PORTAL_BASE_URL,
        "portal_support_email": settings.PORTAL_SUPPORT_EMAIL,
    }
