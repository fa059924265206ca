"""An issuer under the test's control: publishes as the portal does, over TLS, and signs anything."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import trustme

from portal.core.recipes import AUDIENCE, Values
from tests.fakes.serving import serving
from tokens.jwk import PrivateKey, generate_private_key, public_jwk, thumbprint
from tokens.sign import sign
from tokens.status_list import LIST_TYPE, Statuses

JWKS = "/.well-known/jwks.json"
DISCOVERY = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
STATUS_LIST, STATUS_INDEX = "/.well-known/status-lists/0", 7
"""Where the status of every key is, unless its claims say otherwise."""
CUSTOMER, USER, SCOPE = "acme-1042", "usr_Zidhrr9nw6lcKvphDsJV", "orders:read"


class SigningKey:
    """A key pair with its JWK."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self.private: PrivateKey = generate_private_key(algorithm)
        self.kid = thumbprint(self.private)
        self.jwk = public_jwk(self.private, kid=self.kid, algorithm=algorithm)


class Issuer:
    """``url`` is its origin and ``iss``; ``ca_file`` is what clients have to trust, beside nothing else.

    A staged key is always published, as the portal does, so that a rotation needs no fetch.
    """

    def __init__(
        self, folder: Path, *, algorithm: str = "RS256", audience: str | None = AUDIENCE, tls: bool = True
    ) -> None:
        self.audience = audience
        self.algorithm = algorithm
        self.fetched: Counter[str] = Counter()
        """Requests by path, those that found nothing too."""
        self.away = False
        """Answers 503 to everything."""
        self.max_age = 300
        self.revoked: set[int] = set()
        """Indices below 64 of the status list."""
        self.status_ttl = 60
        self.retiring: list[SigningKey] = []
        self.active, self.staged = SigningKey(algorithm), SigningKey(algorithm)
        self.ca_file = folder / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"

    @property
    def values(self) -> Values:
        """What a recipe is filled with."""
        return Values(self.url, self.url, self.audience, (self.algorithm,))

    @property
    def keys(self) -> list[SigningKey]:
        """All published ones."""
        return [self.staged, self.active, *self.retiring]

    def rotate(self) -> None:
        """The staged key signs from now on, the former one stays published, a next one is staged."""
        self.retiring.append(self.active)
        self.active, self.staged = self.staged, SigningKey(self.algorithm)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """A good key's claims; None leaves one out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url, "sub": USER, "org_id": CUSTOMER, "iat": now, "exp": now + 3600,
            "jti": uuid4().hex, "scope": SCOPE,
            "status": {"status_list": {"idx": STATUS_INDEX, "uri": self.url + STATUS_LIST}},
        }  # fmt: skip
        if self.audience is not None:
            claims |= {"aud": self.audience, "client_id": "key_8EgjqL7AiX0v8zk74oL4"}
        claims |= changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, signed_by: SigningKey | None = None, kid: str | None = None, **changed: Any) -> str:
        """A key as the portal issues it, but for what is changed."""
        key, claims = signed_by or self.active, self.claims(**changed)
        typ = "at+jwt" if "client_id" in claims else "JWT"
        return sign(claims, key=key.private, kid=kid or key.kid, algorithm=key.algorithm, typ=typ)

    def document(self, path: str) -> dict[str, Any] | None:
        if path == JWKS:
            return {"keys": [key.jwk for key in self.keys]}
        if path in DISCOVERY:
            return {
                "issuer": self.url, "jwks_uri": self.url + JWKS,
                "response_types_supported": ["none"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": sorted({"RS256", self.algorithm}),
            }  # fmt: skip
        return None

    def status_list(self) -> str:
        """The token status list, signed anew."""
        octets = sum(1 << index for index in self.revoked).to_bytes(8, "little")
        now = int(time.time())
        claims = {
            "iss": f"{self.url}/.well-known/status-lists", "sub": self.url + STATUS_LIST, "iat": now, "exp": now + 7200,
            "ttl": self.status_ttl, "status_list": Statuses(1, octets).claim(),
        }  # fmt: skip
        key = self.active
        return sign(claims, key=key.private, kid=key.kid, algorithm=key.algorithm, typ=LIST_TYPE)

    def answer(self, path: str) -> tuple[bytes, str] | None:
        """Body and media type, or None for 404."""
        if path == STATUS_LIST:
            return self.status_list().encode(), f"application/{LIST_TYPE}"
        document = self.document(path)
        return None if document is None else (json.dumps(document).encode(), "application/json")

    @contextmanager
    def serving(self) -> Iterator["Issuer"]:
        with serving(self._server):
            yield self


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            issuer.fetched[path] += 1
            answer = None if issuer.away else issuer.answer(path)
            body, media_type = answer or (b"", "")
            self.send_response(503 if issuer.away else 404 if answer is None else 200)
            if answer is not None:
                self.send_header("Content-Type", media_type)
                self.send_header("Cache-Control", f"public, max-age={issuer.max_age}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
