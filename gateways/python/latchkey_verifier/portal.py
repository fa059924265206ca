"""A checker for the keys of one portal."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from tokens.checker import KeyChecker
from tokens.fetch import is_fetchable
from tokens.remote_keys import FRESH_SECONDS, RemoteKeys
from tokens.remote_statuses import RemoteStatuses
from tokens.verify import Verifier


def key_checker(
    portal: str,
    *,
    audience: str | Iterable[str] | None = None,
    issuer: str | None = None,
    leeway: timedelta = timedelta(),
    customer_claim: str = "org_id",
    status_lists: bool = True,
    jwks_fresh_seconds: float = FRESH_SECONDS,
) -> KeyChecker:
    """Return a checker for the portal at that origin; nothing is fetched before its first key.

    Without ``audience`` only keys that name none pass. ``issuer`` is the keys' ``iss`` where it isn't the
    portal's origin. Raises ValueError for an origin that is neither https nor on this host.
    """
    origin = _origin(portal)
    keys = RemoteKeys(f"{origin}/.well-known/jwks.json", fresh_seconds=jwks_fresh_seconds)
    audiences = (audience,) if isinstance(audience, str) else tuple(audience or ())
    return KeyChecker(
        Verifier(keys, issuer or origin, audience=audiences, leeway=leeway),
        statuses=RemoteStatuses(f"{origin}/.well-known/status-lists", keys) if status_lists else None,
        customer_claim=customer_claim,
    )


def _origin(portal: str) -> str:
    """Checked at the start, so that a slip of the pen isn't an outage later."""
    parts = urlsplit(portal.rstrip("/"))
    if not is_fetchable(portal) or parts.path or parts.query or parts.fragment:
        raise ValueError("a portal is named by its origin, like https://api-portal.test")
    return parts.geturl()
