"""A service that verifies telephone numbers: takes phone tokens, answers Get Status, sends callbacks.

As TeleSign publishes it: Get Status by xid at ``/v1/mobile/verification/status/<xid>`` with Basic
authentication (its SDKs' AppVerifyClient), callbacks that are signed with HMAC-SHA256 over the body
(https://developer.telesign.com/enterprise/docs/authenticate-callbacks). Status codes are our own.
"""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

from tests.fakes.serving import JsonHandler, serving
from tests.real.http_calls import Answer, request

STATUS_PATH = "/v1/mobile/verification/status/"
PENDING, VERIFIED = 3001, 3000
CLAIMS = {"iss", "iat", "exp", "phn", "xid"}


class VerificationService:
    def __init__(self, customer_id: str, api_key: str) -> None:
        self.customer_id, self.api_key = customer_id, api_key
        self.states: dict[str, int] = {}
        """Status code by xid."""
        self.asked: list[str] = []
        """The xids that Get Status was asked for."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.status_url = f"http://127.0.0.1:{self._server.server_port}{STATUS_PATH}{{xid}}"

    @contextmanager
    def serving(self) -> Iterator["VerificationService"]:
        with serving(self._server):
            yield self

    def begin(self, token: str, number: str) -> str:
        """What the SDK does with a token; returns the xid. Raises for a token that isn't right."""
        claims = jwt.decode(token, base64.b64decode(self.api_key), ["HS256"], issuer=self.customer_id)
        assert set(claims) == CLAIMS
        assert claims["phn"] == number
        self.states[claims["xid"]] = PENDING
        return str(claims["xid"])

    def finish(self, xid: str) -> None:
        self.states[xid] = VERIFIED

    def call_back(self, url: str, *, signed: bool = True, **members: str) -> Answer:
        """Send a callback with these members."""
        body = json.dumps(members).encode()
        made = hmac.digest(base64.b64decode(self.api_key), body if signed else b"", "sha256")
        signature = f"TSA {self.customer_id}:{base64.b64encode(made).decode()}"
        headers = {"Content-Type": "application/json", "Authorization": signature}
        return request(url, "POST", body, headers)

    @property
    def login(self) -> str:
        return "Basic " + base64.b64encode(f"{self.customer_id}:{self.api_key}".encode()).decode()


def _handler(service: VerificationService) -> type[BaseHTTPRequestHandler]:
    class Handler(JsonHandler):
        def do_GET(self) -> None:
            xid = self.path.removeprefix(STATUS_PATH)
            service.asked.append(xid)
            if self.headers["Authorization"] != service.login:
                self.answer(401, {})
            elif xid not in service.states:
                self.answer(404, {})
            else:
                code = service.states[xid]
                self.answer(200, {"external_id": xid, "status": {"code": code, "description": "…"}})

    return Handler
