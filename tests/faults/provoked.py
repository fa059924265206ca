"""Fail points that customers' requests never pass: the schedule's and the commands'."""

import time
from collections.abc import Callable

from tests.faults.stack import Stack

AGED_SECONDS = 6 * 24 * 3600
"""By then unfetched secrets have a reminder and old records are purged; the keys still live."""
PATIENCE_SECONDS = 45


def _leave_it_to_the_schedule(stack: Stack) -> None:
    """Ageing alone does it."""


def _repair_a_stray(stack: Stack) -> None:
    """Killed after a repair, and repeated."""
    for provider in stack.providers.all:
        provider.add_stray(stack.portal.url)
    killed = stack.portal.manage("reconcile", "--repair", check=False)
    assert killed.returncode < 0, killed.stderr
    # Others may still be at work, which it takes for drift until they are done.
    stack.portal.manage("reconcile", "--repair", check=False)


OFF_THE_ROAD: dict[str, Callable[[Stack], None]] = {
    "batch.committed": _leave_it_to_the_schedule,
    "mail.handed_over": _leave_it_to_the_schedule,
    "drift.repaired": _repair_a_stray,
}
"""Point → what makes somebody pass it."""


def provoke(stack: Stack, points: list[str]) -> None:
    """Let six days pass for the portal, do what the points need, and kill at each of ``points``."""
    orders = stack.orders
    stack.providers.set_faults()
    for point in points:
        for role in ("worker", "web", "command"):
            orders.place(point, role)
    for point in points:
        OFF_THE_ROAD.get(point, _leave_it_to_the_schedule)(stack)
    orders.step_clock(AGED_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        orders.new_hits()
        if all(orders.kills[point] for point in points):
            break
        time.sleep(0.2)
    orders.withdraw()
    orders.new_hits()
    orders.step_clock(0)
