"""Limits as people write them: ``30/minute``."""

import re
from dataclasses import dataclass
from datetime import timedelta

_WRITTEN = re.compile(r"([1-9][0-9]{0,6})\s*/\s*(second|minute|hour|day)", re.IGNORECASE)
_WINDOWS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


@dataclass(frozen=True)
class Limit:
    """At most so many in any window of that length."""

    most: int
    window: timedelta


def parse_limit(text: str) -> Limit:
    """``30/minute``; raises ValueError for anything else."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError("a limit is written like 30/minute")
    return Limit(int(found[1]), _WINDOWS[found[2].lower()])
