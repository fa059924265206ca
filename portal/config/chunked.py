"""Chunked request bodies: Django's WSGI handler takes a body without a length for none at all."""

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from portal.core.problems import LARGEST_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

PIECE, PATIENCE = 64 * 1024, 8 * LARGEST_BODY


class ChunkedBodies:
    """Reads a body of unknown length and tells ``inner`` its length.

    No more is kept than one byte beyond the largest body; then the length alone gets it refused. Of
    what follows some is thrown away: a client that still sends when we hang up would not see the answer.
    """

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(LARGEST_BODY + 1)
            if len(body) > LARGEST_BODY:
                _throw_away(environ["wsgi.input"])
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return self._inner(environ, start_response)


def _throw_away(stream: "InputStream") -> None:
    for _ in range(PATIENCE // PIECE):
        if not stream.read(PIECE):
            return
