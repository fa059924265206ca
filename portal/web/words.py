"""Spans and instants as people say them."""

from datetime import datetime, timedelta

from portal.core.clock import now

_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)


def exact_span(span: timedelta) -> str:
    """The span in the largest unit that divides it: ``30 days``, ``1 year``, ``36 hours``."""
    exact = ((size, name) for size, name in _UNITS if name != "month" and not span % size)
    size, name = next(exact, _UNITS[-1])
    return _counted(span // size, name)


def rough_span(span: timedelta) -> str:
    """The span rounded down to one unit, of which there are at least two where possible: ``45 days``."""
    for size, name in _UNITS:
        if span >= 2 * size or (name in ("day", "hour", "minute") and span >= size):
            return _counted(span // size, name)
    return "a moment"


def from_now(instant: datetime) -> str:
    """``in 29 days``, ``3 hours ago``, ``just now``."""
    away = instant - now()
    if abs(away) < timedelta(minutes=1):
        return "in a moment" if away > timedelta(0) else "just now"
    # Half a minute on top: 30 days that began a second ago are still 30 days.
    return (
        f"in {rough_span(away + timedelta(seconds=30))}"
        if away > timedelta(0)
        else f"{rough_span(-away)} ago"
    )


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
