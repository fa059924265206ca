"""Fetching a JWKS or a status list: small documents, from one origin, in bounded time."""

import http.client
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

TOTAL_SECONDS: Final = 3.0
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


def is_fetchable(url: str) -> bool:
    """Whether ``fetch`` goes there: https, and http on this host alone."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        )
    except ValueError:
        return False


def fetch(url: str, etag: str | None) -> Fetched:
    """Fetch in at most three seconds in all; follows no redirect: who is asked is configured."""
    if not is_fetchable(url):
        raise FetchFailed("not an https address")
    ended: list[Fetched | FetchFailed] = []

    def work() -> None:
        try:
            ended.append(_fetch(url, etag))
        except FetchFailed as exc:
            ended.append(exc)

    # A socket's time-out starts again with each address and each byte, and looking up a name has none.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(TOTAL_SECONDS)
    if not ended:
        raise FetchFailed("no answer in time")
    if isinstance(ended[0], FetchFailed):
        raise ended[0]
    return ended[0]


def _fetch(url: str, etag: str | None) -> Fetched:
    headers = {"User-Agent": "latchkey-verifier", **({"If-None-Match": etag} if etag else {})}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was looked at
        with _opener().open(request, timeout=TOTAL_SECONDS) as answer:
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


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Made at the first use: it reads the authorities' certificates, which takes a while."""
    return urllib.request.build_opener(_NoRedirects)
