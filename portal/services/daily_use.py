"""How often a customer's keys were verified, by day: counted in memory, added up in batches."""

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import date

from django.db import connection

from portal.core.batches import batched
from portal.core.clock import now
from portal.models import Customer, DailyUse, IssuedKey

MOST_COUNTERS = 100_000
Day = tuple[int, date]
"""A customer's primary key and a day in UTC."""


class DailyUses:
    """Verifications that wait to be written.

    What was counted since the last flush is lost when the process is killed. A connection that breaks
    while the database commits leaves open whether it did: that batch, of 2 seconds, may count twice.
    """

    def __init__(self) -> None:
        self._counts: Counter[Day] = Counter()
        self._lock = threading.Lock()
        self._one_flush = threading.Lock()

    def __len__(self) -> int:
        """How many customers' days wait."""
        return len(self._counts)

    def count(self, key: IssuedKey) -> None:
        """The key was found good now. For more than 100,000 customers between two flushes not counted."""
        self._add({(key.customer_id, now().date()): 1})

    def flush(self) -> None:
        """Add what waits to what is stored, once: whoever else flushes adds to the same rows.

        Raises Django's ``Error`` when the database is away; what wasn't written goes on waiting.
        """
        with self._one_flush:
            with self._lock:
                left, self._counts = self._counts, Counter()
            try:
                # In one order, so that two processes never wait for each other's rows.
                for days in batched(sorted(left)):
                    _write([(day, left[day]) for day in days])
                    for day in days:
                        del left[day]
            finally:
                self._add(left)

    def _add(self, counts: dict[Day, int]) -> None:
        with self._lock:
            for day, number in counts.items():
                if day in self._counts or len(self._counts) < MOST_COUNTERS:
                    self._counts[day] += number


_ADD = """
    WITH counted (customer_id, day, verifications) AS (VALUES {rows})
    INSERT INTO {uses} (customer_id, day, verifications)
    SELECT counted.customer_id, counted.day, counted.verifications
    FROM counted JOIN {customers} ON {customers}.id = counted.customer_id
    WHERE true ORDER BY 1, 2
    ON CONFLICT (customer_id, day)
    DO UPDATE SET verifications = {uses}.verifications + excluded.verifications
"""
"""One statement, so that no process adds to a number that another has changed since it was read.

A customer whose row is gone is passed over: its counts would keep all others from being written.
``WHERE true`` tells SQLite that ``ON`` begins no join.
"""


def _write(counts: Iterable[tuple[Day, int]]) -> None:
    values = [value for (customer, day), number in counts for value in (customer, day, number)]
    statement = _ADD.format(
        rows=", ".join(["(%s, %s, %s)"] * (len(values) // 3)),
        uses=connection.ops.quote_name(DailyUse._meta.db_table),
        customers=connection.ops.quote_name(Customer._meta.db_table),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
