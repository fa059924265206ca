"""An API server that takes the portal's keys as RFC 9068 has them, with Authlib."""

import http.client
import json
import logging
import math
import sys
import threading
import time
import urllib.request
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

JWKS = "https://portal.example.com/.well-known/jwks.json"
ISSUER = "https://portal.example.com"
AUDIENCES = [
    "https://api.example.com",
]
KEPT_SECONDS = 300
RETRY_SECONDS = 30

log = logging.getLogger(__name__)


class Refused(Exception):
    """There is no key, or none that is good."""


class PortalKeyValidator(JWTBearerTokenValidator):
    """With the portal's published keys. While the portal is away, those fetched last go on being good."""

    def __init__(self) -> None:
        super().__init__(ISSUER, AUDIENCES[0])
        self._lock = threading.Lock()
        self._keys = KeySet([])
        self._renew_at = -math.inf

    def get_jwks(self) -> KeySet:
        """No unknown kid is looked up: a staged key is published a day before it signs."""
        with self._lock:
            now = time.monotonic()
            if now >= self._renew_at:
                self._renew_at = now + RETRY_SECONDS
                if self._fetch():
                    self._renew_at = now + KEPT_SECONDS
            return self._keys

    def _fetch(self) -> bool:
        try:
            with urllib.request.urlopen(JWKS, timeout=5) as answer:
                listed = json.load(answer)["keys"]
                keys = [key for jwk in listed if (key := usable(jwk)) is not None]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as exc:
            log.warning("keys not renewed: %s", type(exc).__name__)
            return False
        if not keys:
            log.warning("keys not renewed: there are none")
            return False
        self._keys = KeySet(keys)
        return True


def usable(jwk: dict[str, Any]) -> Key | None:
    """The key, or None for one of a kind that joserfc doesn't know: no reason to lose the others."""
    try:
        return import_key(jwk)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None


if not AUDIENCES:
    sys.exit(
        "Authlib checks RFC 9068 alone, and such keys name an audience: set PLUGIN_JWT_AUDIENCE in the portal"
    )
VALIDATOR = PortalKeyValidator()


def claims_of(authorization: str) -> dict[str, Any]:
    """The claims of the key in an Authorization header; raises Refused when it has none that is good."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("no key")
    try:
        claims = VALIDATOR.authenticate_token(key.strip())
        VALIDATOR.validate_token(claims, scopes=None, request=None)
    except (OAuth2Error, JoseError, ValueError) as exc:
        raise Refused(type(exc).__name__) from exc
    if "org_id" not in claims:
        raise Refused("no customer")
    return dict(claims)


def application(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answers whose key it was called with; for any WSGI server."""
    try:
        claims = claims_of(environ.get("HTTP_AUTHORIZATION", ""))
    except Refused as exc:
        log.warning("refused: %s", exc)
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return []
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"customer": claims["org_id"], "user": claims["sub"]}).encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", 8000, application).serve_forever()
