"""Numbers on pages, counted no further than people read them."""

from django.db.models import IntegerField, Subquery
from django.utils.formats import number_format

COUNTED = 10_000
"""Beyond that many, a number says no more than that there are more."""


class CountOf(Subquery):
    """How many rows a queryset, which may be sliced, has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


class CountOfFitting(Subquery):
    """How many of a sliced queryset's rows have something in their one column, ``fits``."""

    template = "(SELECT COUNT(counted.fits) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def in_words(number: int, *, is_all: bool = True) -> str:
    """The number, with a plus where it isn't all."""
    words = str(number_format(number, use_l10n=True, force_grouping=True))
    return words if is_all else f"{words}+"


def up_to(most: int, number: int) -> str:
    """A number that was counted to ``most`` and one more."""
    return in_words(min(number, most), is_all=number <= most)
