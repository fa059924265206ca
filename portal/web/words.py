"""Spans and instants as people say them."""

from datetime import datetime, timedelta

from portal.core.clock import now

_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)


def exact_span(span: timedelta) -> str:
    """The span in the largest unit that divides it: ``30 days``, ``1 year``, ``36 hours``."""
    exact = ((size, name) for size, name in _UNITS if not span % size)
    size, name = next(exact, _UNITS[-1])
    return _counted(span // size, name)


def lasting(span: timedelta) -> str:
    """The same of something that runs out by the clock: ``24 hours`` and not ``1 day``."""
    return "24 hours" if span == timedelta(days=1) else exact_span(span)


def rough_span(span: timedelta) -> str:
    """The span rounded to one unit, small enough to say something: ``90 minutes``, ``30 days``."""
    size, name = next(((size, name) for size, name in _UNITS if span >= 2 * size), _UNITS[-1])
    return _counted(round(span / size), name)


def from_now(instant: datetime) -> str:
    """``in 30 days``, ``3 hours ago``, ``just now``."""
    away = instant - now()
    if abs(away) < timedelta(minutes=1):
        return "in a moment" if away > timedelta(0) else "just now"
    return f"in {rough_span(away)}" if away > timedelta(0) else f"{rough_span(-away)} ago"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
