"""Fetching a JWKS or a status list: small documents, from one origin, in bounded time."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 3.0
MOST_BYTES: Final = 1 << 20
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class FetchFailed(Exception):
    """No good answer came; the message names what happened, never a body."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer; ``body`` is None when what the ETag stands for is still current (304)."""

    body: bytes | None
    etag: str | None


class Fetch(Protocol):
    def __call__(self, url: str, etag: str | None) -> Fetched:
        """Fetch, with ``If-None-Match`` where there is an ETag; raises FetchFailed and nothing else."""


def fetch(url: str, etag: str | None) -> Fetched:
    """Fetch over https; http is for loopback alone. Follows no redirect: who is asked is configured."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FetchFailed("not an address") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise FetchFailed("not an https address")
    headers = {"User-Agent": "latchkey-verifier", **({"If-None-Match": etag} if etag else {})}
    try:
        with _OPENER.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was looked at
            body = answer.read(MOST_BYTES + 1)
            # read() with a bound tells by no error that the connection ended early.
            if answer.status != 200 or len(body) > MOST_BYTES or answer.length:
                raise FetchFailed(f"answered {answer.status}, too much or cut short")
            return Fetched(body, answer.headers["ETag"])
    except urllib.error.HTTPError as exc:
        with exc:
            if exc.code == 304 and etag:
                return Fetched(None, etag)
            raise FetchFailed(f"answered {exc.code}") from None
    # HTTPException and ValueError: what isn't HTTP, a length that isn't a number.
    except (OSError, ValueError, http.client.HTTPException) as exc:
        raise FetchFailed(type(exc).__name__) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> None:
        """Leave 3xx to be an error."""


_OPENER: Final = urllib.request.build_opener(_NoRedirects)
