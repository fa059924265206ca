"""TLS in front of a portal, as production has it; counts what clients fetch through it."""

import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from tests.fakes.serving import serving
from tests.real.http_calls import request


class TlsProxy:
    """``url`` is its origin, ``ca_file`` what clients have to trust."""

    def __init__(self, target: str, folder: Path) -> None:
        self.fetched: Counter[str] = Counter()
        self.withheld: set[str] = set()
        """Names, in lower case, of headers that it takes out of answers."""
        self.ca_file = folder / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, self))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["TlsProxy"]:
        with serving(self._server):
            yield self


# Between neighbours only (RFC 9110 section 7.6.1), or written by this proxy itself.
_NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "date", "server"}


def _handler(target: str, proxy: TlsProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            proxy.fetched[self.path] += 1
            sent = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _NOT_PASSED_ON and not name.lower().startswith("x-forwarded-")
            }
            answer = request(target + self.path, headers={**sent, "X-Forwarded-Proto": "https"})
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _NOT_PASSED_ON | proxy.withheld:
                    self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
