"""A document of the portal's that a verifier keeps: fetched rarely, outliving outages."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Generic, TypeVar

from tokens.fetch import Fetch, FetchFailed, fetch

log = logging.getLogger("tokens")
COOLDOWN_SECONDS: Final = 10.0
MOST_COOLDOWN_SECONDS: Final = 60.0

Content = TypeVar("Content")


class Unavailable(Exception):
    """What is needed to judge a token can't be had now: no verdict, neither good nor bad."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[Content]):
    content: Content
    fetched_at: float
    fresh_seconds: float
    etag: str | None


class Kept(Generic[Content]):
    """Fetched again when it is older than ``fresh_seconds``; used until it is ``keep_seconds`` old.

    ``read`` makes the content of a body and of what was held before; a ValueError counts as a failed
    fetch. From one fetch to the next ``cooldown_seconds`` pass, or less when the content is fresh for
    less; after each failure twice as many, up to a minute: where one thread does it all, an outage must not
    be spent waiting. One caller fetches, the others go on with what is held; who has nothing waits.

    ``clock`` gives seconds since 1970. A clock that was put back or forth costs a fetch, no more; a
    monotonic one would stand still while a machine sleeps.
    """

    def __init__(
        self,
        url: str,
        read: Callable[[bytes, Content | None], Content],
        *,
        fresh_seconds: Callable[[Content], float],
        keep_seconds: float = inf,
        cooldown_seconds: float = COOLDOWN_SECONDS,
        fetch: Fetch = fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._keep_seconds = keep_seconds
        self._cooldown_seconds = cooldown_seconds
        self._fetch = fetch
        self._clock = clock
        self._held: _Held[Content] | None = None
        self._tried_at = -inf
        self._wait_seconds = 0.0
        self._failed = False
        self._lock = threading.Lock()

    def get(self) -> Content:
        """The content, fetched when its time has come; raises Unavailable when there is none to use."""
        held = self._held
        if held is not None and 0 <= self._clock() - held.fetched_at < held.fresh_seconds:
            return held.content
        return self.renewed(wait=False)

    def renewed(self, *, wait: bool) -> Content:
        """The same, fetched now unless that was tried a moment ago.

        ``wait`` for a fetch that is under way: what is held won't do.
        """
        if self._lock.acquire(blocking=wait or self._usable() is None):
            try:
                self._renew()
            finally:
                self._lock.release()
        held = self._usable()
        if held is None:
            raise Unavailable("not fetched yet" if self._held is None else "not renewed for too long")
        return held.content

    def _usable(self) -> _Held[Content] | None:
        held = self._held
        return held if held is not None and self._clock() - held.fetched_at < self._keep_seconds else None

    def _renew(self) -> None:
        now, held = self._clock(), self._held
        if 0 <= now - self._tried_at < self._wait_seconds:
            return
        try:
            self._held = self._fetched(now, held)
        except (FetchFailed, ValueError, Unavailable) as exc:
            log.warning("tokens.fetch_failed url=%s reason=%s", self._url, exc)
            waited = self._wait_seconds if self._failed else self._cooldown_seconds / 2
            self._wait_seconds, self._failed = min(2 * waited, MOST_COOLDOWN_SECONDS), True
        else:
            self._wait_seconds, self._failed = min(self._cooldown_seconds, self._held.fresh_seconds), False
        self._tried_at = self._clock()  # when it ended: it may have taken seconds

    def _fetched(self, now: float, held: _Held[Content] | None) -> _Held[Content]:
        answer = self._fetch(self._url, None if held is None else held.etag)
        if answer.body is not None:
            content = self._read(answer.body, None if held is None else held.content)
        elif held is not None:
            content = held.content
        else:
            raise FetchFailed("nothing is held that could be current")
        return _Held(content, now, self._fresh_seconds(content), answer.etag)
