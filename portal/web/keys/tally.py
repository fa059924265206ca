"""How many keys a customer has in each status, at a cost that has a bound."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, Value, When
from django.db.models.expressions import Combinable

from portal.models import Customer, IssuedKey
from portal.models.issued_key import IssuedKeyQuerySet
from portal.web.counts import COUNTED, CountOf, CountOfFitting, in_words, up_to
from portal.web.keys.words import FILTERS


@dataclass(frozen=True)
class Count:
    """So many were found; there may be more unless ``is_all``."""

    number: int
    is_all: bool = True

    def __str__(self) -> str:
        return in_words(self.number, is_all=self.is_all)

    def __bool__(self) -> bool:
        return bool(self.number) or not self.is_all


@dataclass(frozen=True)
class Tally:
    in_use: int
    """How many count against the plan's limit; with one more than ``most``, there may be others."""
    most: int
    by_status: dict[str, Count]

    @property
    def in_use_words(self) -> str:
        return up_to(self.most, self.in_use)

    @property
    def total(self) -> Count:
        counts = self.by_status.values()
        return Count(sum(count.number for count in counts), all(count.is_all for count in counts))


def in_use_of(keys: IssuedKeyQuerySet, most: int) -> Combinable:
    """How many count against the plan's limit, exact up to ``most``; for a query's columns.

    Status by status: an index gives each, and none gives what "this status or that one" asks for.
    """
    counts = [
        CountOf(keys.counted().filter(status=one).values("pk")[: most + 1]) for one in IssuedKey.REVOCABLE
    ]
    return sum(counts[1:], counts[0])


def tally_of(customer: Customer, keys: IssuedKeyQuerySet, among: Q, max_keys: int | None) -> Tally:
    """The customer's ``keys`` that are ``among`` these. One query, which walks an index and stops in time.

    Of a status with more than ``COUNTED`` keys, so many are looked at.
    """
    keys, most = keys.order_by(), max(max_keys or 0, COUNTED)
    columns: dict[str, Any] = {"in_use": in_use_of(keys, most)}
    for status in FILTERS:
        found = keys.in_status(status)
        columns[f"seen_{status}"] = CountOf(found.values("pk")[: COUNTED + 1])
        if among:
            fits = Case(When(among, then=Value(1)))
            columns[f"fit_{status}"] = CountOfFitting(found.values(fits=fits)[:COUNTED])
    row: dict[str, Any] = Customer.objects.filter(pk=customer.pk).values(**columns).get()  # type: ignore[assignment]  # its names are not literals
    by_status = {}
    for status in FILTERS:
        seen = row[f"seen_{status}"]
        number = row[f"fit_{status}"] if among else min(seen, COUNTED)
        by_status[status] = Count(number, is_all=seen <= COUNTED)
    return Tally(row["in_use"], most, by_status)
