"""A document of the portal's that a verifier keeps: fetched rarely, outliving outages."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tokens.fetch import Fetch, FetchFailed, fetch

log = logging.getLogger("tokens")
COOLDOWN_SECONDS: Final = 10.0

Content = TypeVar("Content")


class Unavailable(Exception):
    """What is needed to judge a token can't be had now: no verdict, neither good nor bad."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[Content]):
    content: Content
    fetched_at: float
    etag: str | None


class Kept(Generic[Content]):
    """Fetched again when it is older than ``fresh_seconds``; used until it is ``keep_seconds`` old.

    ``read`` makes the content of a body and of what was held before; a ValueError counts as a failed
    fetch. At most one fetch is begun every ``cooldown_seconds``, or less when the content is fresh for
    less, whoever asks and whatever came of the last. One caller fetches, the others go on with what is
    held; only those who come before there is anything wait. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        url: str,
        read: Callable[[bytes, Content | None], Content],
        *,
        fresh_seconds: Callable[[Content], float],
        keep_seconds: Callable[[Content], float],
        cooldown_seconds: float = COOLDOWN_SECONDS,
        fetch: Fetch = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._keep_seconds = keep_seconds
        self._cooldown_seconds = cooldown_seconds
        self._fetch = fetch
        self._clock = clock
        self._held: _Held[Content] | None = None
        self._fresh_until = float("-inf")
        self._next_try_at = float("-inf")
        self._lock = threading.Lock()

    def get(self) -> Content:
        """The content, fetched when its time has come; raises Unavailable when there is none to use."""
        held = self._held
        if held is not None and self._clock() < self._fresh_until:
            return held.content
        return self.renewed()

    def renewed(self) -> Content:
        """The same, fetched now unless the last try was within the cooldown."""
        if self._lock.acquire(blocking=self._held is None):
            try:
                self._renew()
            finally:
                self._lock.release()
        held = self._held
        if held is None or self._clock() >= held.fetched_at + self._keep_seconds(held.content):
            raise Unavailable("not fetched yet" if held is None else "not renewed for too long")
        return held.content

    def _renew(self) -> None:
        now, held = self._clock(), self._held
        if now < self._next_try_at:
            return
        self._next_try_at = now + self._cooldown_seconds
        try:
            answer = self._fetch(self._url, None if held is None else held.etag)
            if answer.body is not None:
                content = self._read(answer.body, None if held is None else held.content)
            elif held is not None:
                content = held.content
            else:
                raise FetchFailed("nothing is held that could be current")
        except (FetchFailed, ValueError, Unavailable) as exc:
            log.warning("tokens.fetch_failed url=%s reason=%s", self._url, exc)
            return
        self._held = _Held(content, now, answer.etag)
        self._fresh_until = now + self._fresh_seconds(content)
        self._next_try_at = min(self._next_try_at, self._fresh_until)
