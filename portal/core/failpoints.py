"""Named places where a crash would hurt most. The fault campaign kills processes exactly there.

In a portal that nobody tests a fail point is one call of a function that does nothing.
"""

from collections.abc import Callable


def _nothing(name: str) -> None:
    return None


_reached: Callable[[str], None] = _nothing


def failpoint(name: str) -> None:
    """Say that the program is at ``name``: a constant ``noun.past_participle``, unique in the code."""
    _reached(name)


def on_failpoint(reached: Callable[[str], None] | None) -> None:
    """Call ``reached`` at every fail point from now on; for the fault campaign."""
    global _reached
    _reached = reached or _nothing
