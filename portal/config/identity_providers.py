"""Identity providers that people may sign in with: three variables each, any number of names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from portal.config.env import Env
from provisioning.config import ConfigError

_NAMED = re.compile(r"OIDC_([A-Z][A-Z0-9_]*)_(?:ISSUER|CLIENT_ID|CLIENT_SECRET)(?:_FILE)?")


@dataclass(frozen=True)
class IdentityProvider:
    """An OpenID provider; ``slug`` is part of the callback's path, ``name`` stands on the button."""

    slug: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def as_app(self) -> dict[str, Any]:
        """As allauth wants it in ``SOCIALACCOUNT_PROVIDERS``."""
        return {
            "provider_id": self.slug,
            "name": self.name,
            "client_id": self.client_id,
            "secret": self.client_secret,
            "settings": {"server_url": self.issuer.rstrip("/")},
        }


def identity_providers(
    env: Env, variables: Iterable[str], *, allow_http: bool
) -> tuple[IdentityProvider, ...]:
    """Those that ``OIDC_<NAME>_…`` configure; raises ``ConfigError`` for an incomplete one."""
    names = sorted({found[1] for name in variables if (found := _NAMED.fullmatch(name))})
    providers = (_provider(env, name, allow_http=allow_http) for name in names)
    return tuple(provider for provider in providers if provider is not None)


def _provider(env: Env, name: str, *, allow_http: bool) -> IdentityProvider | None:
    """None when all three are empty, which is as good as unset."""
    issuer = env.url(f"OIDC_{name}_ISSUER")
    client_id = env.text(f"OIDC_{name}_CLIENT_ID")
    client_secret = env.text(f"OIDC_{name}_CLIENT_SECRET")
    given = {"ISSUER": issuer, "CLIENT_ID": client_id, "CLIENT_SECRET": client_secret}
    if not any(given.values()):
        return None
    for part, value in given.items():
        if not value:
            raise ConfigError(
                f"OIDC_{name}_{part}", "is missing: issuer, client id and secret belong together"
            )
    _check_issuer(f"OIDC_{name}_ISSUER", issuer, allow_http=allow_http)
    words = name.replace("_", " ").title()
    return IdentityProvider(name.lower().replace("_", "-"), words, issuer, client_id, client_secret)


def _check_issuer(variable: str, issuer: str, *, allow_http: bool) -> None:
    """An issuer has no query and no fragment (OpenID Connect Core 1.0, section 2)."""
    try:
        parts = urlsplit(issuer)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError as exc:
        raise ConfigError(variable, "is no valid URL") from exc
    if not usable or parts.query or parts.fragment:
        raise ConfigError(variable, "must be the provider's issuer, such as https://login.example.com")
    if parts.scheme != "https" and not allow_http:
        raise ConfigError(variable, "must be https in production")
