"""Somebody who looks after operations that stopped: reads the words over the API and does what they say."""

import re
import threading
import time
from collections import Counter
from typing import Any

from tests.faults.caller import Caller, Stopped, Unanswered
from tests.faults.stack import Stack

QUOTED = re.compile("“([^”]+)”")
MOST_HELP = 3
"""So often somebody looks at one operation after the restart; what stops again then stays."""
LOOK_EVERY_SECONDS = 1.0
STOPPED = "SELECT public_id FROM portal_operation WHERE state = 'needs_attention'"


def named_in(words: str) -> str | None:
    """The name that the words tell to look for at the provider."""
    found = QUOTED.search(words)
    return found.group(1) if found else None


class Person:
    """Deletes only what is named, by exactly that name, and retries."""

    def __init__(self, stack: Stack, stopping: threading.Event | None = None) -> None:
        self._providers = stack.providers
        self._caller = Caller(stack.portal, stopping or threading.Event())
        self.helped: Counter[str] = Counter()
        """How often, by operation."""

    def help(self, operation: str) -> None:
        """Follow the words of an operation that waits; nothing when it went on by itself."""
        shown: dict[str, Any] = self._caller.get(f"/operations/{operation}")
        if shown["finished_at"]:
            return
        self.helped[operation] += 1
        name = named_in((shown["error"] or {}).get("detail", ""))
        for provider in self._providers.all if name else ():
            provider.delete_named(name or "")
        answer = self._caller.post(f"/operations/{operation}/retry", {"confirm_absent": True} if name else {})
        # 409: it went on meanwhile, or another of this customer's is at work; then there is another look.
        assert answer.status in (202, 409), (operation, answer.status, answer.body)


class PersonAtWork:
    """Looks every second while the load goes on; from ``start`` to ``stop``."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stopping = threading.Event()
        self._person = Person(stack, self._stopping)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            for (operation,) in self._stack.rows.select(STOPPED):
                try:
                    self._person.help(operation)
                except Stopped:
                    return
                except Unanswered:
                    continue  # a client's finding, not a person's
                time.sleep(0.01)
