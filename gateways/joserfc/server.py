"""An API server that takes the portal's keys, with joserfc."""

import http.client
import json
import logging
import math
import threading
import time
import urllib.request
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

JWKS = "https://portal.example.com/.well-known/jwks.json"
ISSUER = "https://portal.example.com"
EXPECTED = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": "https://api.example.com"},
    exp={"essential": True},
    sub={"essential": True},
    # Not a keyword: a claim may have any name.
    **{"org_id": {"essential": True}},  # noqa: PIE804
)
KEPT_SECONDS = 300
COOLDOWN_SECONDS = 30

log = logging.getLogger(__name__)


class Refused(Exception):
    """There is no key, or none that is good."""


class PortalKeys:
    """The portal's published keys. While the portal is away, those fetched last go on being good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._fetched_at = self._tried_at = -math.inf

    def by_kid(self, kid: object) -> Key:
        """The key of that ``kid``; raises Refused for one that isn't published.

        Fetches when the keys are old or the kid is unknown, but once in COOLDOWN_SECONDS at most: a stranger
        may send any kid.
        """
        with self._lock:
            now = time.monotonic()
            wanted = kid not in self._keys or now - self._fetched_at > KEPT_SECONDS
            if wanted and now - self._tried_at > COOLDOWN_SECONDS:
                self._tried_at = now
                self._fetch(now)
            if not isinstance(kid, str) or kid not in self._keys:
                raise Refused("unknown kid")
            return self._keys[kid]

    def _fetch(self, now: float) -> None:
        try:
            with urllib.request.urlopen(JWKS, timeout=5) as answer:
                listed = json.load(answer)["keys"]
                keys = {jwk["kid"]: key for jwk in listed if (key := usable(jwk)) is not None}
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as exc:
            log.warning("keys not renewed: %s", type(exc).__name__)
            return
        if keys:
            self._keys, self._fetched_at = keys, now


def usable(jwk: dict[str, Any]) -> Key | None:
    """The key, or None for one of a kind that joserfc doesn't know: no reason to lose the others."""
    try:
        return import_key(jwk)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None


PUBLISHED = PortalKeys()


def claims_of(authorization: str) -> dict[str, Any]:
    """The claims of the key in an Authorization header; raises Refused when it has none that is good."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("no key")
    try:
        token = jwt.decode(
            key.strip(),
            lambda signed: PUBLISHED.by_kid(signed.headers().get("kid")),
            algorithms=["RS256"],
        )
        EXPECTED.validate(token.claims)
    except (JoseError, ValueError) as exc:
        raise Refused(type(exc).__name__) from exc
    return token.claims


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
