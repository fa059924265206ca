"""Starting the tenant, steering it, and reading what it knows to be true."""

import secrets
import ssl
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from tests.fakes.auth0.ledger import Truth
from tests.fakes.auth0.setup import ALL, OPTIONAL_SCOPES, TEN_SCOPES, Setup
from tests.fakes.auth0.tenant import alphanumeric
from tests.fakes.ledger import read
from tests.fakes.process import FakeProcess

__all__ = ["ALL", "OPTIONAL_SCOPES", "TEN_SCOPES", "Auth0Process", "TokenRefused"]


class TokenRefused(Exception):
    """The token endpoint's refusal."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error


class Auth0Process(FakeProcess):
    """The tenant as a process of its own, its ledger in ``folder``; ended by leaving the context."""

    def __init__(self, folder: Path) -> None:
        self._setup = Setup(
            str(folder), control_token=f"control-{secrets.token_hex(12)}",
            client_id=alphanumeric(32), client_secret=secrets.token_urlsafe(48),
        )  # fmt: skip
        self.ledger, self.ca_file = self._setup.ledger_file, self._setup.ca_file
        super().__init__("tests.fakes.auth0", control_token=self._setup.control_token, **self._setup.environ)
        self.domain = f"127.0.0.1:{self.port}"
        self.url = f"https://{self.domain}"

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables for a portal that is to use it."""
        return {
            "PLUGIN_AUTH0_M2M_DOMAIN": self.domain,
            "PLUGIN_AUTH0_M2M_CLIENT_ID": self._setup.client_id,
            "PLUGIN_AUTH0_M2M_CLIENT_SECRET": self._setup.client_secret,
            "PLUGIN_AUTH0_M2M_API_AUDIENCE": self._setup.audience,
            "PLUGIN_AUTH0_M2M_API_SCOPE": " ".join(self._setup.api_scopes),
            "PLUGIN_AUTH0_M2M_RATE_PLAN": "1000/s",
            "SSL_CERT_FILE": str(self.ca_file),
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }

    def truth(self) -> Truth:
        return read(self.ledger, Truth(self._setup.audience))

    def accepts(self, secret: str) -> bool:
        """Whether a living client has this secret, and gets tokens that name its own organization."""
        return bool(self._call("POST", "/control/accepts", {"secret": secret})["accepted"])

    def mint(self, client_id: str, client_secret: str, **parameters: str) -> dict[str, Any]:
        """The verified claims of a token for the API. Raises ``TokenRefused``."""
        form = {
            "grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret,
            "audience": self._setup.audience, **parameters,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, answer = self._send("POST", "/oauth/token", urlencode(form), headers)
        if status != 200:
            raise TokenRefused(status, answer["error"])
        _, jwks = self._send("GET", "/.well-known/jwks.json", None, {})
        token = answer["access_token"]
        key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(token)["kid"]]
        return dict(jwt.decode(token, key, ["RS256"], audience=form["audience"], issuer=f"{self.url}/"))

    def set_scopes(self, *scopes: str) -> None:
        """What the management application is granted; tokens that it has keep what they had."""
        self._call("PUT", "/control/scopes", {"scopes": scopes})

    def revoke_tokens(self) -> None:
        """The management application's tokens are answered 401 from now on."""
        self._call("POST", "/control/revoke-tokens")

    def limit_applications(self, count: int) -> None:
        self._call("PUT", "/control/limits", {"applications": count})

    def secrets(self) -> list[str]:
        """All raw secrets that ever went over the wire: of clients and of the management application,
        management tokens, and users' passwords."""
        return list(self._call("GET", "/control/secrets")["secrets"])

    def add_stray(self, portal_url: str) -> str:
        """The id of a new client that carries our metadata, and that the portal knows nothing of."""
        return str(self._call("POST", "/control/strays", {"portal": portal_url})["client_id"])

    def delete_client_named(self, name: str) -> int:
        """How many a person deleted who looked for this name in the dashboard."""
        return int(self._call("DELETE", f"/control/clients?name={quote(name)}")["deleted"])

    def delete(self, kind: str, id: str) -> None:
        """As a person does it in the dashboard, with everything that depends on it."""
        self._call("DELETE", f"/control/objects/{kind}/{quote(id, safe='')}")

    def _tls(self) -> ssl.SSLContext:
        return self._trust

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)
