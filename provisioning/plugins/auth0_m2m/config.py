"""The plugin's settings: ``PLUGIN_AUTH0_M2M_*``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from provisioning.config import ConfigError, GetConfig, duration, text
from provisioning.plugins.auth0_m2m.limits import Limits, limits
from provisioning.secret import Secret

_PREFIX = "PLUGIN_AUTH0_M2M_"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE)
_MANAGEMENT_API = re.compile(r"https://[^/]+\.auth0\.com/api/v2/?", re.IGNORECASE)
# RFC 6749 section 3.3.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,280}")
LONGEST_TOKEN = timedelta(days=30)
"""Auth0 lets no API's access tokens live longer."""


@dataclass(frozen=True)
class Auth0Config:
    """Which tenant, who we are there, which API customers' tokens are for, and how fast we may call."""

    domain: str
    client_id: str
    client_secret: Secret
    audience: str
    scopes: tuple[str, ...]
    limits: Limits
    connection: str
    token_lifetime: timedelta

    @classmethod
    def from_config(cls, get_config: GetConfig) -> Self:
        domain = _needed(get_config, "DOMAIN").lower()
        if not _HOST.fullmatch(domain):
            raise ConfigError(f"{_PREFIX}DOMAIN", "must be a host name such as acme.eu.auth0.com, no URL")
        audience = _needed(get_config, "API_AUDIENCE")
        if _MANAGEMENT_API.fullmatch(audience) or audience.rstrip("/") == f"https://{domain}/api/v2":
            # With create:client_grants the portal could hand its customers the whole tenant.
            raise ConfigError(f"{_PREFIX}API_AUDIENCE", "is the Management API; name your own API")
        scopes = tuple(dict.fromkeys(text(get_config, f"{_PREFIX}API_SCOPE").split()))
        if not all(_SCOPE.fullmatch(scope) for scope in scopes):
            raise ConfigError(f"{_PREFIX}API_SCOPE", "must be scopes, separated by spaces")
        return cls(
            domain=domain,
            client_id=_needed(get_config, "CLIENT_ID"),
            client_secret=Secret(_needed(get_config, "CLIENT_SECRET")),
            audience=audience,
            scopes=scopes,
            limits=limits(get_config, f"{_PREFIX}RATE_PLAN"),
            connection=text(get_config, f"{_PREFIX}CONNECTION", "Username-Password-Authentication"),
            token_lifetime=duration(get_config, f"{_PREFIX}TOKEN_LIFETIME", "24h", longest=LONGEST_TOKEN),
        )

    @property
    def token_url(self) -> str:
        """Where customers exchange client id and secret for an access token."""
        return f"https://{self.domain}/oauth/token"


def _needed(get_config: GetConfig, name: str) -> str:
    value = text(get_config, f"{_PREFIX}{name}")
    if not value:
        raise ConfigError(f"{_PREFIX}{name}", "is missing")
    return value
