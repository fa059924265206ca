"""The one clock. Tests set it with ``set_clock``; nothing else reads the time."""

from collections.abc import Callable
from datetime import UTC, datetime


def _system_time() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _system_time


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _read()


def set_clock(read: Callable[[], datetime] | None) -> None:
    """Read the time from ``read`` from now on; None goes back to the system's clock."""
    global _read
    _read = read or _system_time
