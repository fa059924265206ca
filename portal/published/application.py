"""WSGI in front of Django: JWKS, discovery, status lists, health; without middleware or cookies."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings

from portal.core.metrics import PUBLISHED, Tally
from portal.core.well_known import STATUS_LISTS
from portal.published.documents import discovery, jwks
from portal.published.health import readiness
from portal.published.metrics import Answer, Metrics
from portal.published.snapshot import Bytes, Snapshot
from portal.published.status_lists import ALL, StatusLists

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
JSON = "application/json"
STATUS_LIST = "application/statuslist+jwt"
CORS = [("Access-Control-Allow-Origin", "*")]
PREFLIGHT = [
    *CORS,
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    ("Access-Control-Allow-Headers", "If-None-Match"),
    ("Access-Control-Max-Age", "86400"),
]


class Published:
    """Answers the paths it knows and hands everything else to ``inner``."""

    def __init__(self, inner: "WSGIApplication", metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics
        metadata = Snapshot(discovery)
        self._documents = {
            "/.well-known/jwks.json": Snapshot(jwks),
            "/.well-known/openid-configuration": metadata,
            "/.well-known/oauth-authorization-server": metadata,
        }
        self._lists = StatusLists()
        statuses = {STATUS_LISTS: (200, 304, 404, 503), **dict.fromkeys(self._documents, (200, 304, 503))}
        self._tallies = {
            (path, status): Tally(PUBLISHED.labels(path.rpartition("/")[2], str(status)))
            for path, possible in statuses.items()
            for status in possible
        }
        self._health: dict[str, Callable[[str], bool]] = {
            "/healthz": lambda query: True,
            "/readyz": readiness,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in self._documents or path == STATUS_LISTS or path.startswith(f"{STATUS_LISTS}/"):
            return self._published(path, environ, start_response)
        if path in self._health:
            return self._state(self._health[path], environ, start_response)
        if path == "/metrics":
            return self._measured(environ, start_response)
        return self._inner(environ, start_response)

    def _published(
        self, path: str, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return _answer(start_response, environ, 204, PREFLIGHT, b"")
        if method not in ("GET", "HEAD"):
            return _answer(start_response, environ, 405, [("Allow", "GET, HEAD, OPTIONS"), *CORS], b"")
        status, headers, body = self._looked_up(path, environ.get("HTTP_IF_NONE_MATCH", ""))
        return _answer(start_response, environ, status, [*headers, *CORS], body)

    def _looked_up(self, path: str, if_none_match: str) -> Answer:
        if path in self._documents:
            return self._document(path, self._documents[path].get(), if_none_match, JSON, CACHE_CONTROL)
        lists = self._lists.get()
        # Looked up, never parsed: whatever stands there is the name of a list or it isn't.
        name = path[len(STATUS_LISTS) + 1 :]
        if lists is not None and name not in lists:
            self._tallies[STATUS_LISTS, 404].add()
            return 404, [("Cache-Control", "no-store")], b""
        found = None if lists is None else lists[name]
        kept = f"public, max-age={max(1, int(settings.STATUS_LIST_TTL.total_seconds()))}"
        return self._document(STATUS_LISTS, found, if_none_match, JSON if name == ALL else STATUS_LIST, kept)

    def _document(
        self, path: str, document: Bytes | None, if_none_match: str, content_type: str, cache_control: str
    ) -> Answer:
        if document is None:
            self._tallies[path, 503].add()
            return 503, [("Retry-After", "5")], b""
        headers = [("Cache-Control", cache_control), ("ETag", document.etag)]
        if _matches(if_none_match, document.etag):
            self._tallies[path, 304].add()
            return 304, headers, b""
        self._tallies[path, 200].add()
        headers += [("Content-Type", content_type), ("X-Content-Type-Options", "nosniff")]
        return 200, headers, document.body

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

    def _measured(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer(start_response, environ, 405, [("Allow", "GET, HEAD")], b"")
        status, headers, body = self._metrics.answer(environ)
        return _answer(start_response, environ, status, headers, body)


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
