"""Fetching from a real server that misbehaves."""

import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fakes.serving import serving
from tokens.fetch import MOST_BYTES, Fetched, FetchFailed, fetch


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/etag" and self.headers["If-None-Match"] == '"1"':
            self.send_response(304)
            self.end_headers()
            return
        status = {"/moved": 302, "/error": 503, "/empty": 204}.get(self.path, 200)
        body = {"/large": b"x" * (MOST_BYTES + 1)}.get(self.path, b"body")
        self.send_response(status)
        if self.path == "/moved":
            self.send_header("Location", "/etag")
        self.send_header("ETag", '"1"')
        self.send_header(
            "Content-Length",
            "many" if self.path == "/length" else "9" if self.path == "/short" else str(len(body)),
        )
        self.end_headers()
        for octet in body if self.path == "/drip" else b"":
            time.sleep(0.3)
            with suppress(OSError):
                self.wfile.write(bytes([octet]))
        if self.path != "/drip":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_an_answer_comes_with_its_etag(origin: str) -> None:
    assert fetch(f"{origin}/etag", None) == Fetched(b"body", '"1"')


def test_what_is_current_has_no_body(origin: str) -> None:
    assert fetch(f"{origin}/etag", '"1"') == Fetched(None, '"1"')


@pytest.mark.parametrize("path", ["/moved", "/error", "/empty", "/large", "/short"])
def test_what_is_no_good_answer_fails(origin: str, path: str) -> None:
    with pytest.raises(FetchFailed):
        fetch(origin + path, None)


def test_an_answer_that_drips_is_given_up(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokens.fetch.TOTAL_SECONDS", 0.5)
    with pytest.raises(FetchFailed, match="in time"):
        fetch(f"{origin}/drip", None)


def test_nobody_answers() -> None:
    with pytest.raises(FetchFailed):
        fetch("http://127.0.0.1:1/", None)


@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example/",
        "file:///etc/passwd",
        "ftp://localhost/",
        "portal",
        "https://",
        "http://[::1/",
    ],
)
def test_other_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(FetchFailed):
        fetch(url, None)
