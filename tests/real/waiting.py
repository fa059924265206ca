"""Waiting for what another process does."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], what: str, *, seconds: float = 10) -> None:
    """Return as soon as ``condition`` holds; fail naming ``what`` when it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
