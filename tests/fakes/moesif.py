"""Moesif's collector: keeps what it is sent, byte for byte."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.serving import JsonHandler, serving


class MoesifCollector:
    """Answers the calls of Moesif's server integrations: its configuration, its rules, and batches of events."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        """Every request's line, headers and body, as text that can be searched."""
        self.events: list[dict[str, Any]] = []
        self.refuses = False
        """Answers 401, as Moesif does to an application id that it doesn't know."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def event_of(self, mark: str) -> dict[str, Any] | None:
        """The event of the request whose address holds that mark; None while it hasn't come."""
        return next((event for event in list(self.events) if mark in event["request"]["uri"]), None)

    @contextmanager
    def serving(self) -> Iterator["MoesifCollector"]:
        with serving(self._server):
            yield self


def _handler(collector: MoesifCollector) -> type[BaseHTTPRequestHandler]:
    class Handler(JsonHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            self._keep(b"")
            if collector.refuses:
                self.answer(401, {})
                return
            self.answer(200, {"sample_rate": 100} if self.path == "/v1/config" else [])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self._keep(body)
            sent = json.loads(body)
            collector.events += sent if isinstance(sent, list) else [sent]
            self.answer(201, {})

        def _keep(self, body: bytes) -> None:
            collector.received.append(f"{self.requestline}\n{self.headers}\n".encode() + body)

    return Handler
