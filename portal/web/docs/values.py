"""What the pages tell of this portal: addresses, claims, algorithms. Nothing of it is secret."""

from typing import Any

from django.conf import settings

from portal.core.plugins import jwt_config, registry, token_lifetime
from portal.core.well_known import status_lists_uri
from portal.services.gateways import audiences, values_of_this_portal
from tokens.jwk import HMAC

PLACEHOLDER = "https://api.example.com/"
"""Stands for the operator's API where ``PORTAL_API_URL`` names none."""


def values() -> dict[str, Any]:
    """What the templates of ``portal/docs`` can name. One query."""
    config, portal = jwt_config(), values_of_this_portal()
    slugs = registry().slugs
    return {
        "portal": portal,
        "audiences": audiences(),
        "user_claim": config.user_id_field if config is not None else "sub",
        "status_lists_uri": status_lists_uri(),
        "status_list_seconds": int(settings.STATUS_LIST_TTL.total_seconds()),
        "api_url": settings.PORTAL_API_URL or PLACEHOLDER,
        "has_api_url": bool(settings.PORTAL_API_URL),
        "has_jwt_keys": config is not None,
        "has_shared_secret": config is not None and config.algorithm in HMAC,
        "has_clients": any(token_lifetime(slug) is not None for slug in slugs),
    }
