"""WSGI in front of Django: JWKS, discovery and health answer without middleware or cookies."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from portal.published.documents import discovery, jwks
from portal.published.health import readiness
from portal.published.snapshot import Snapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
JSON = "application/json"
CORS = [("Access-Control-Allow-Origin", "*")]
PREFLIGHT = [
    *CORS,
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    ("Access-Control-Allow-Headers", "If-None-Match"),
    ("Access-Control-Max-Age", "86400"),
]


class Published:
    """Answers the paths it knows and hands everything else to ``inner``."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner
        metadata = Snapshot(discovery)
        self._documents = {
            "/.well-known/jwks.json": Snapshot(jwks),
            "/.well-known/openid-configuration": metadata,
            "/.well-known/oauth-authorization-server": metadata,
        }
        self._health: dict[str, Callable[[str], bool]] = {
            "/healthz": lambda query: True,
            "/readyz": readiness,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in self._documents:
            return self._document(self._documents[path], environ, start_response)
        if path in self._health:
            return self._state(self._health[path], environ, start_response)
        return self._inner(environ, start_response)

    def _document(
        self, snapshot: Snapshot, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return _answer(start_response, environ, 204, PREFLIGHT, b"")
        if method not in ("GET", "HEAD"):
            return _answer(start_response, environ, 405, [("Allow", "GET, HEAD, OPTIONS"), *CORS], b"")
        document = snapshot.get()
        if document is None:
            return _answer(start_response, environ, 503, [("Retry-After", "5"), *CORS], b"")
        headers = [("Cache-Control", CACHE_CONTROL), ("ETag", document.etag), *CORS]
        if _matches(environ.get("HTTP_IF_NONE_MATCH", ""), document.etag):
            return _answer(start_response, environ, 304, headers, b"")
        headers += [("Content-Type", JSON), ("X-Content-Type-Options", "nosniff")]
        return _answer(start_response, environ, 200, headers, document.body)

    def _state(
        self, check: Callable[[str], bool], environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer(start_response, environ, 405, [("Allow", "GET, HEAD")], b"")
        good = check(environ.get("QUERY_STRING", ""))
        headers = [("Content-Type", "text/plain"), ("Cache-Control", "no-store")]
        return _answer(
            start_response, environ, 200 if good else 503, headers, b"ok\n" if good else b"not ready\n"
        )


def _matches(header: str, etag: str) -> bool:
    """``If-None-Match`` compares weakly (RFC 9110 section 13.1.2)."""
    if header.strip() == "*":
        return True
    return etag in {candidate.strip().removeprefix("W/") for candidate in header.split(",")}


def _answer(
    start_response: "StartResponse",
    environ: "WSGIEnvironment",
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
) -> list[bytes]:
    if status not in (204, 304):
        headers = [*headers, ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
