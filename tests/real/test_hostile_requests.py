"""Requests that only a raw socket sends: the server answers 4xx and goes on."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.real.portal import Portal

HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\n"


def status_of(portal: Portal, request: bytes) -> int:
    """The status of the answer to exactly these bytes."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as connection:
        connection.sendall(request)
        line = connection.makefile("rb").readline()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /api/v1/keys HTTP/1.1\r\n" + HEAD + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /api/v1/keys HTTP/1.1\r\n" + HEAD + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /api/v1/keys?customer=" + b"a" * 50_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 431),
        (b"GET /api/v1/keys HTTP/1.1\r\n" + HEAD + b"X: a\r\n" * 500 + b"\r\n", 431),
        (b"GET /keys HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"GET /api/v1/keys HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"GET /api/v1/keys/%00 HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
        (b"GET /%ff%fe HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
        (b"POST /api/v1/keys HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999\r\n\r\n", 413),
    ],
    ids=[
        "100K header",
        "40K header",
        "50K path",
        "500 headers",
        "host",
        "API host",
        "NUL",
        "no UTF-8",
        "large body",
    ],
)
def test_hostile_heads(portal: Portal, request_: bytes, status: int) -> None:
    assert status_of(portal, request_) == status
    assert portal.get("/healthz").status == 200


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * 65_536


def post_chunked(portal: Portal, body: Iterator[bytes]) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", portal.port, timeout=20)) as connection:
        connection.request("POST", "/api/v1/customers", body, headers, encode_chunked=True)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_chunked_body_is_a_body(portal: Portal) -> None:
    status, body = post_chunked(portal, iter([b'{"name": ', b'"Chunky"}']))
    assert (status, body["name"]) == (201, "Chunky")


def test_a_chunked_body_has_the_same_bound(portal: Portal) -> None:
    status, body = post_chunked(portal, chunks(20))
    assert (status, body["code"]) == (413, "too_large")
