"""Pages that never count a table."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts at most 10,001 rows, so that a list over millions costs no scan.

    Rows beyond are reached by filters and search; ``more`` says that there are some.
    """

    @cached_property
    def _counted(self) -> int:
        return bounded_count(self.object_list)

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST)

    @property
    def more(self) -> bool:
        return self._counted > MOST


def bounded_count(rows: Any) -> int:
    """How many rows a queryset or list has, up to ``MOST`` + 1."""
    if isinstance(rows, list):
        return len(rows[: MOST + 1])
    return int(rows.order_by().values("pk")[: MOST + 1].count())


def shown_count(number: int) -> str:
    """``9,412`` or ``10,000+``."""
    return f"{MOST:,}+" if number > MOST else f"{number:,}"
