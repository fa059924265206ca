"""An API server that takes the portal's keys, with PyJWT."""

import json
import logging
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse

import jwt

log = logging.getLogger(__name__)

# Kept for five minutes; a kid that isn't among them is looked up at once, but every 30 s at most. cache_keys
# would keep a revoked key until the server ends.
KEYS = jwt.PyJWKClient(
    "https://portal.example.com/.well-known/jwks.json", lifespan=300, timeout=5, cache_keys=False
)


def claims_of(authorization: str) -> dict[str, Any]:
    """The claims of the key in an Authorization header; raises PyJWTError when it has none that is good."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("no key")
    return jwt.decode(
        key.strip(),
        KEYS.get_signing_key_from_jwt(key.strip()),
        issuer="https://portal.example.com",
        audience="https://api.example.com",
        algorithms=["RS256"],
        options={"require": ["iss", "exp", "sub", "org_id"]},
    )


def application(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answers whose key it was called with; for any WSGI server."""
    try:
        claims = claims_of(environ.get("HTTP_AUTHORIZATION", ""))
    except jwt.PyJWTError as exc:
        log.warning("refused: %s", type(exc).__name__)
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return []
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"customer": claims["org_id"], "user": claims["sub"]}).encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", 8000, application).serve_forever()
