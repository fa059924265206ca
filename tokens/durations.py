"""Durations as people write them: ``30d``, ``12h``, ``2 days``, or a number of seconds."""

import re
from datetime import timedelta
from typing import Final

# The spellings of the npm library "ms", without milliseconds: here a bare number means seconds.
_SPELLINGS: Final[dict[timedelta, str]] = {
    timedelta(days=365): "y yr yrs year years",
    timedelta(weeks=1): "w week weeks",
    timedelta(days=1): "d day days",
    timedelta(hours=1): "h hr hrs hour hours",
    timedelta(minutes=1): "m min mins minute minutes",
    timedelta(seconds=1): "s sec secs second seconds",
}
_UNITS: Final = {name: unit for unit, names in _SPELLINGS.items() for name in names.split()}
_PATTERN: Final = re.compile(r"[ \t\r\n]*([0-9]{1,12})[ \t]*([a-zA-Z]*)[ \t\r\n]*")
_LONGEST: Final = timedelta(days=365 * 100)
_HELP: Final = "write a number of seconds or shorthand such as 90s, 15m, 12h, 30d, 2w or 1y"


def parse_duration(value: str | int) -> timedelta:
    """Return the duration; an int or bare digits are seconds, a year has 365 days.

    Raises ValueError, with a sentence that never repeats the value, for anything but a whole
    positive duration of at most 100 years.
    """
    if isinstance(value, str):
        match = _PATTERN.fullmatch(value)
        if match is None or (match[2] and match[2].lower() not in _UNITS):
            raise ValueError(f"This is not a duration; {_HELP}.")
        count, unit = int(match[1]), _UNITS[match[2].lower() or "s"]
    else:
        count, unit = value, _UNITS["s"]
    if isinstance(value, bool) or not isinstance(count, int) or count <= 0:
        raise ValueError(f"A duration is a whole positive number of a unit; {_HELP}.")
    if count > _LONGEST // unit:
        raise ValueError("A duration is at most 100 years.")
    return count * unit


def format_duration(duration: timedelta) -> str:
    """Return the shortest exact shorthand, which ``parse_duration`` reads back: ``30d``, ``90s``.

    Raises ValueError for a duration that is not a positive whole number of seconds.
    """
    if duration > timedelta():
        for unit, names in _SPELLINGS.items():
            if not duration % unit:
                return f"{duration // unit}{names.split()[0]}"
    raise ValueError("Only a positive whole number of seconds has a shorthand.")
