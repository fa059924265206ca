"""Long work in short transactions, which may end between any two of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TypeVar

from portal.core.failpoints import failpoint
from portal.core.stopping import stopping

BATCH = 500
"""Rows that one transaction changes or erases at most."""
Item = TypeVar("Item")


def until_stopped(items: Iterable[Item]) -> Iterator[Item]:
    """The items, as long as this process isn't told to stop."""
    return takewhile(lambda item: not stopping.is_set(), items)


def in_batches(step: Callable[[], int]) -> int:
    """Repeat ``step``, which says how much it did, until it did nothing; returns the sum.

    Ends early, between two steps, when this process was told to stop: what is left is for the
    next time.
    """
    total = 0
    while not stopping.is_set() and (done := step()):
        total += done
        failpoint("batch.committed")
    return total


def batched(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in slices of ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
