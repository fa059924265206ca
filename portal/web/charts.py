"""Bars, one a day, as a server-side SVG whose numbers are also a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise

WIDTH, HEIGHT = 600, 160
"""Of the SVG's own units: the page stretches it, so that nothing in it may be text."""


@dataclass(frozen=True)
class Bar:
    """A day's rectangle in SVG units, and what it says."""

    x: int
    y: int
    width: int
    height: int
    day: date
    number: str

    @property
    def words(self) -> str:
        return f"{date_format(self.day, 'SHORT_DATE_FORMAT')}: {self.number}"


@dataclass(frozen=True)
class Chart:
    id: str
    title: str | Promise
    bars: tuple[Bar, ...]
    total: int
    top: int

    @property
    def total_words(self) -> str:
        return _number(self.total)

    @property
    def scale(self) -> list[str]:
        """The numbers beside the lines, from the top down."""
        return [_number(self.top), _number(self.top // 2), "0"]

    @property
    def middle(self) -> Bar:
        return self.bars[len(self.bars) // 2]

    @property
    def newest_first(self) -> list[Bar]:
        return list(reversed(self.bars))

    @property
    def highest(self) -> Bar:
        """The first of the highest bars."""
        return max(self.bars, key=lambda bar: bar.height)


def bar_chart(id: str, title: str | Promise, numbers: Mapping[date, int], *, until: date, days: int) -> Chart:
    """The last ``days`` days up to and with ``until``; a day without a number counts 0."""
    first = until - timedelta(days=days - 1)
    values = [(first + timedelta(days=n), numbers.get(first + timedelta(days=n), 0)) for n in range(days)]
    top, step = _top(max(value for _, value in values)), WIDTH // days
    bars = []
    for place, (day, value) in enumerate(values):
        height = max(2, round(HEIGHT * value / top)) if value else 0  # few beside many stay visible
        bars.append(
            Bar(place * step + step // 8, HEIGHT - height, step - step // 4, height, day, _number(value))
        )
    return Chart(id, title, tuple(bars), sum(value for _, value in values), top)


def _top(most: int) -> int:
    """The lowest round, even number that no value exceeds: its half is on the scale too."""
    power = 1
    while most > 10 * power:
        power *= 10
    return next(even * power for even in (2, 4, 6, 8, 10) if even * power >= most)


def _number(value: int) -> str:
    return str(number_format(value, use_l10n=True, force_grouping=True))
