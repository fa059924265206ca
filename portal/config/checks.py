"""System checks: what runs but should be looked at. Ids are stable."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from portal.core.plugins import jwt_config


@register(Tags.compatibility)
def issuer_is_the_portal(**_: Any) -> list[CheckMessage]:
    """Discovery always names ``PORTAL_BASE_URL``; keys of another issuer won't match it."""
    config = jwt_config()
    if config is None or config.issuer == settings.PORTAL_BASE_URL:
        return []
    return [
        Warning(
            "PLUGIN_JWT_ISSUER differs from PORTAL_BASE_URL.",
            hint="Gateways that use discovery will refuse these keys. Give them the JWKS URL and the issuer.",
            id="portal.W001",
        )
    ]


@register(Tags.security, deploy=True)
def sqlite_in_production(**_: Any) -> list[CheckMessage]:
    """SQLite is safe here, but keeps everything on one host."""
    if settings.DEVELOPMENT or "sqlite3" not in settings.DATABASES["default"]["ENGINE"]:
        return []
    return [
        Warning(
            "DATABASE_URL is SQLite in production.",
            hint="Use PostgreSQL: several hosts, online backups, and no single writer.",
            id="portal.W002",
        )
    ]
