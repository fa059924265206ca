"""The clocks. Tests set them with ``set_clock``; nothing else reads the time.

``now`` is the calendar's time, which an operator or NTP may step. ``uptime`` never steps: what
must not come too early, such as trusting that a lost request can't land any more, is measured
with it as long as the host that began the measurement is the one that ends it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path


def _system_time() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _system_time


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _read()


@dataclass(frozen=True)
class Moment:
    """An instant on both clocks; ``boot`` is empty where the host names none."""

    at: datetime
    boot: str
    uptime: float


def moment() -> Moment:
    """The present, on both clocks."""
    if _read is not _system_time:  # a test's clock: it is both
        return Moment(now(), "test", now().timestamp())
    return Moment(now(), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME) if _boot() else 0)


def elapsed_since(then: Moment) -> timedelta:
    """Time since ``then``: by uptime when it was taken since this host's boot, else by the calendar."""
    present = moment()
    if present.boot and present.boot == then.boot:
        return timedelta(seconds=present.uptime - then.uptime)
    return present.at - then.at


@cache
def _boot() -> str:
    """The kernel's random name for this boot; empty elsewhere than on Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def set_clock(read: Callable[[], datetime] | None) -> None:
    """Read the time from ``read`` from now on; None goes back to the system's clock."""
    global _read
    _read = read or _system_time
