"""The published documents as a gateway sees them, straight at the WSGI application."""

import json
import threading
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import OperationalError

from portal.published import snapshot
from portal.published.application import Published
from portal.published.metrics import Metrics
from portal.published.snapshot import Snapshot

pytestmark = pytest.mark.django_db(transaction=True)
JWKS = "/.well-known/jwks.json"


class Gateway:
    def __init__(self) -> None:
        self.app = Published(self._inner, Metrics(lambda text: None))
        self.status = ""
        self.headers: dict[str, str] = {}

    @staticmethod
    def _inner(environ: Any, start_response: Any) -> list[bytes]:
        start_response("418 Inner", [])
        return [b"inner"]

    def __call__(self, method: str, path: str, **headers: str) -> bytes:
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        path, _, query = path.partition("?")
        environ.update(REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query)
        environ.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})

        def start_response(status: str, sent: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status, self.headers = status, dict(sent)

        return b"".join(self.app(environ, start_response))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def test_the_jwks(gateway: Gateway) -> None:
    body = gateway("GET", JWKS, host="anything.example")
    assert gateway.status == "200 OK"
    assert gateway.headers["Content-Type"] == "application/json"
    assert gateway.headers["Cache-Control"] == (
        "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
    )
    assert gateway.headers["Access-Control-Allow-Origin"] == "*"
    assert gateway.headers["Content-Length"] == str(len(body))
    assert "Set-Cookie" not in gateway.headers
    assert len(json.loads(body)["keys"]) == 2


def test_an_etag_spares_the_body(gateway: Gateway) -> None:
    gateway("GET", JWKS)
    etag = gateway.headers["ETag"]
    assert etag.startswith('"')
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        assert gateway("GET", JWKS, if_none_match=header) == b""
        assert gateway.status == "304 Not Modified"
        assert gateway.headers["ETag"] == etag
    assert gateway("GET", JWKS, if_none_match='"other"') != b""


def test_head_has_the_headers_alone(gateway: Gateway) -> None:
    length = str(len(gateway("GET", JWKS)))
    assert gateway("HEAD", JWKS) == b""
    assert (gateway.status, gateway.headers["Content-Length"]) == ("200 OK", length)


def test_other_methods(gateway: Gateway) -> None:
    gateway("OPTIONS", JWKS)
    assert gateway.status == "204 No Content"
    assert gateway.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    gateway("POST", JWKS)
    assert (gateway.status[:3], gateway.headers["Allow"]) == ("405", "GET, HEAD, OPTIONS")


def test_discovery_at_both_places(gateway: Gateway) -> None:
    oidc = json.loads(gateway("GET", "/.well-known/openid-configuration"))
    assert json.loads(gateway("GET", "/.well-known/oauth-authorization-server")) == oidc
    assert oidc["issuer"] == "http://127.0.0.1:8000"
    assert oidc["jwks_uri"] == f"{oidc['issuer']}{JWKS}"
    assert oidc["introspection_endpoint"] == f"{oidc['issuer']}/api/v1/introspect"
    assert "RS256" in oidc["id_token_signing_alg_values_supported"]


def test_other_paths_go_on_to_django(gateway: Gateway) -> None:
    assert gateway("GET", "/.well-known/other") == b"inner"
    assert gateway("GET", "/") == b"inner"


def test_health(gateway: Gateway) -> None:
    assert gateway("GET", "/healthz", host="x") == b"ok\n"
    assert gateway("GET", "/readyz") == b"ok\n"
    assert gateway("GET", "/readyz?worker=1") == b"not ready\n"
    assert gateway.status[:3] == "503"


def test_a_worker_that_was_seen_makes_it_ready(gateway: Gateway) -> None:
    from portal.core.clock import now
    from portal.models import WorkerSeen

    WorkerSeen.objects.create(process="x", seen_at=now())
    assert gateway("GET", "/readyz?worker=1") == b"ok\n"


class Document:
    """A document whose making can fail or hang."""

    def __init__(self) -> None:
        self.body = b"one"
        self.made = 0
        self.gate: threading.Event | None = None

    def __call__(self) -> bytes:
        self.made += 1
        if self.gate is not None:
            self.gate.wait(5)
        if self.body == b"away":
            raise OperationalError
        return self.body


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every snapshot is old at once, and nobody waits long for a new one."""
    monkeypatch.setattr(snapshot, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(snapshot, "WAIT_SECONDS", 0.5)


def test_a_fresh_snapshot_costs_nothing() -> None:
    document = Document()
    shot = Snapshot(document)
    assert {shot.get().body for _ in range(50)} == {b"one"}  # type: ignore[union-attr]
    assert document.made == 1


def test_a_snapshot_follows_the_document(stale: None) -> None:
    document = Document()
    shot = Snapshot(document)
    first = shot.get()
    document.body = b"two"
    second = shot.get()
    assert first is not None
    assert second is not None
    assert (second.body, second.etag != first.etag) == (b"two", True)


def test_the_last_good_bytes_outlive_the_database(stale: None) -> None:
    document = Document()
    shot = Snapshot(document)
    shot.get()
    document.body = b"away"
    assert shot.get().body == b"one"  # type: ignore[union-attr]


def test_a_database_that_hangs_costs_freshness_alone(stale: None) -> None:
    document = Document()
    shot = Snapshot(document)
    shot.get()
    document.gate = threading.Event()
    document.body = b"two"
    assert shot.get().body == b"one"  # type: ignore[union-attr]
    document.gate.set()


def test_without_any_good_bytes_it_says_when_to_come_back(gateway: Gateway) -> None:
    document = Document()
    document.body = b"away"
    gateway.app._documents[JWKS] = Snapshot(document)
    gateway("GET", JWKS)
    assert (gateway.status[:3], gateway.headers["Retry-After"]) == ("503", "5")
