"""Pages that never count a table."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

MOST = 10_000
LISTED = 2_000
"""So many rows a list offers page by page."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts at most 2,001 rows, so that a list over millions costs no scan.

    Rows beyond are reached by filters and search; ``more`` says that there are some.
    """

    @cached_property
    def _counted(self) -> int:
        return bounded_count(self.object_list, most=LISTED)

    @cached_property
    def count(self) -> int:
        return min(self._counted, LISTED)

    @property
    def more(self) -> bool:
        return self._counted > LISTED

    def page(self, number: int | str) -> Page[Any]:
        """That page. Its rows are found by index alone, and only they are read and joined."""
        number = self.validate_number(number)
        if isinstance(self.object_list, list):
            return super().page(number)
        listed: Any = self.object_list
        rows = listed.all()
        first = (number - 1) * self.per_page
        found = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        if len(rows.query.alias_map) < 2:  # a filter that joins has to stay: it joins one row each
            rows.query.clear_where()  # they fit; asked again, it may cost more than the rows
        return Page(rows.filter(pk__in=found), number, self)


def bounded_count(rows: Any, *, most: int = MOST) -> int:
    """How many rows a queryset or list has, up to ``most`` + 1."""
    if isinstance(rows, list):
        return len(rows[: most + 1])
    return int(rows.order_by().values("pk")[: most + 1].count())


def shown_count(number: int) -> str:
    """``9,412`` or ``10,000+``."""
    return f"{MOST:,}+" if number > MOST else f"{number:,}"
