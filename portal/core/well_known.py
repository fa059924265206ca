"""Where gateways find what is published, as far as tokens name it."""

from django.conf import settings

STATUS_LISTS = "/.well-known/status-lists"
"""All token status lists; one is this, a slash and its number."""


def status_lists_uri() -> str:
    """Where gateways find the list of all status lists."""
    return f"{settings.PORTAL_BASE_URL}{STATUS_LISTS}"


def status_list_uri(number: int) -> str:
    """Where gateways find one list: in keys' ``status`` claim, and the list's own ``sub``."""
    return f"{status_lists_uri()}/{number}"
