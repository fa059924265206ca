"""After the restart: how long until nothing is left to do."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.faults.checker import Checker, Finding
from tests.faults.memory import Memory
from tests.faults.person import MOST_HELP, Person, named_in
from tests.faults.stack import Stack

SOON = timedelta(seconds=30)
"""An operation that is due later than this has been failing for long: a person retries it."""
GIVE_UP_SECONDS = 150
NOT_ENDED = """
SELECT o.public_id, o.state, o.run_after, o.error_detail,
    o.kind = 'revoke_key' AND k.status = 'active', k.retires_at
FROM portal_operation o LEFT JOIN portal_issuedkey k ON k.id = o.key_id
WHERE o.state IN ('queued', 'running', 'retrying', 'needs_attention')
"""


@dataclass(frozen=True)
class Settled:
    """How it went after one restart."""

    slowest_seconds: float
    helped: int
    """Operations that had stopped for a person, who did what their words say."""
    findings: frozenset[Finding]
    """What was still open when patience ended, and strays that no words named."""


@dataclass(frozen=True)
class Open:
    """An operation that has not ended."""

    id: str
    state: str
    words: str
    waits: bool
    """For a person: it stopped, or is due only in a while."""


class Settling:
    """``memory`` is the clients'."""

    def __init__(self, stack: Stack, memory: Memory) -> None:
        self._stack, self._memory = stack, memory
        self._person = Person(stack)
        self._unnamed: set[Finding] = set()

    def settle(self, restarted_at: datetime) -> Settled:
        """Wait until no operation is open; help those that wait for a person.

        Where the words name something to delete at the provider, the person comes only when
        nothing moves any more: by then they have to name every stray there is.
        """
        deadline = time.monotonic() + GIVE_UP_SECONDS
        last_end = restarted_at
        while (found := self._open()) and time.monotonic() < deadline:
            self._help(found)
            last_end = datetime.now(UTC)
            time.sleep(0.3)
        left = {Finding("lost", f"{open.id} {open.state}", "never settled") for open in found}
        slowest = (last_end - restarted_at).total_seconds()
        return Settled(slowest, len(self._person.helped), frozenset(left | self._unnamed))

    def _help(self, found: list[Open]) -> None:
        waiting = [open for open in found if open.waits and self._person.helped[open.id] < MOST_HELP]
        for open in waiting:
            if not named_in(open.words):
                self._person.help(open.id)
        if all(open.waits and named_in(open.words) for open in found):
            self._check_names([open.words for open in found])
            for open in waiting:
                self._person.help(open.id)

    def _check_names(self, words: list[str]) -> None:
        for key, id, marker in Checker(self._stack, self._memory).unowned():
            if not any(marker in named for named in words):
                self._unnamed.add(Finding("orphaned", id, f"no words name it; its key is {key}"))

    def _open(self) -> list[Open]:
        """What has to end now; not the end of an overlap that lies ahead, as after the clock was put back."""
        instant = self._stack.rows.instant
        return [
            Open(id, state, words, state == "needs_attention" or self._is_far(instant(due)))
            for id, state, due, words, is_overlap, retires_at in self._stack.rows.select(NOT_ENDED)
            if not (is_overlap and self._is_far(instant(retires_at)))
        ]

    def _is_far(self, due: datetime | None) -> bool:
        return due is not None and due > self._stack.orders.now() + SOON
