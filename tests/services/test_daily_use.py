"""Verifications are counted in memory and added up a customer and day; none is lost or counted twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from portal.core.batches import BATCH
from portal.models import Customer, DailyUse, IssuedKey
from portal.services.daily_use import MOST_COUNTERS, DailyUses
from portal.services.uses import Uses
from tests.conftest import Clock
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def uses() -> DailyUses:
    return DailyUses()


def key_of(customer: Customer) -> IssuedKey:
    return IssuedKey(customer=customer, name="k", plugin="jwt")


def stored(customer: Customer) -> dict[date, int]:
    return dict(customer.daily_uses.values_list("day", "verifications"))


def database_away(*_: Any) -> None:
    raise OperationalError("away")


def test_every_check_counts_on_its_day_in_utc(uses: DailyUses, clock: Clock) -> None:
    clock.at = clock.at.replace(hour=23, minute=59, second=59)
    customer, first = CustomerFactory(), clock().date()
    with CaptureQueriesContext(connection) as queries:
        uses.count(key_of(customer))
        uses.count(key_of(customer))
        clock.advance(seconds=1)
        uses.count(key_of(customer))
    assert not queries.captured_queries
    uses.flush()
    assert stored(customer) == {first: 2, clock().date(): 1}


def test_a_flush_adds_to_what_other_processes_stored(uses: DailyUses, clock: Clock) -> None:
    customer, other_process = CustomerFactory(), DailyUses()
    for counting in (uses, other_process, other_process):
        counting.count(key_of(customer))
    other_process.flush()
    uses.flush()
    uses.count(key_of(customer))
    uses.flush()
    uses.flush()
    assert stored(customer) == {clock().date(): 4}


def test_many_customers_are_written_by_one_statement(uses: DailyUses) -> None:
    for customer in CustomerFactory.create_batch(20):
        uses.count(key_of(customer))
    with CaptureQueriesContext(connection) as queries:
        uses.flush()
    assert len(queries) == 1
    assert DailyUse.objects.filter(verifications=1).count() == 20
    with CaptureQueriesContext(connection) as queries:
        uses.flush()
    assert not queries.captured_queries


def test_more_than_a_batch_is_written_whole(uses: DailyUses) -> None:
    Customer.objects.bulk_create(
        Customer(name="c", public_id=f"cus_{number}", external_id=f"cus_{number}")
        for number in range(2 * BATCH + 1)
    )
    for customer in Customer.objects.all():
        uses.count(key_of(customer))
    uses.flush()
    assert DailyUse.objects.filter(verifications=1).count() == 2 * BATCH + 1


def test_what_a_database_that_is_away_did_not_take_is_written_later(uses: DailyUses, clock: Clock) -> None:
    customer = CustomerFactory()
    uses.count(key_of(customer))
    with connection.execute_wrapper(database_away), pytest.raises(OperationalError):
        uses.flush()
    uses.count(key_of(customer))
    uses.flush()
    assert stored(customer) == {clock().date(): 2}


def test_a_batch_that_was_written_before_the_failure_is_not_written_again(uses: DailyUses) -> None:
    Customer.objects.bulk_create(
        Customer(name="c", public_id=f"cus_{number}", external_id=f"cus_{number}")
        for number in range(BATCH + 1)
    )
    for customer in Customer.objects.all():
        uses.count(key_of(customer))
    calls: list[str] = []

    def away_after_the_first(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        calls.append(sql)
        return execute(sql, *rest) if len(calls) == 1 else database_away()

    with connection.execute_wrapper(away_after_the_first), pytest.raises(OperationalError):
        uses.flush()
    assert len(uses) == 1
    uses.flush()
    assert DailyUse.objects.filter(verifications=1).count() == BATCH + 1


def test_a_customer_that_is_gone_keeps_nobody_elses_counts_away(uses: DailyUses, clock: Clock) -> None:
    gone, customer = CustomerFactory(), CustomerFactory()
    uses.count(key_of(gone))
    uses.count(key_of(customer))
    Customer.objects.filter(pk=gone.pk).delete()
    uses.flush()
    assert stored(customer) == {clock().date(): 1}
    assert len(uses) == 0


def test_memory_is_bounded_and_known_customers_go_on(uses: DailyUses, clock: Clock) -> None:
    known, late, stranger = CustomerFactory(), CustomerFactory(), IssuedKey()
    uses.count(key_of(known))
    for number in range(1, MOST_COUNTERS):
        stranger.customer_id = -number
        uses.count(stranger)
    uses.count(key_of(known))
    uses.count(key_of(late))
    assert len(uses) == MOST_COUNTERS
    uses.flush()
    assert (stored(known), stored(late)) == ({clock().date(): 2}, {})


def test_no_count_is_lost_between_threads(uses: DailyUses, clock: Clock) -> None:
    """Counted by many while another writes what there is, again and again."""
    customers = CustomerFactory.create_batch(5)

    def count(customer: Customer) -> None:
        for _ in range(500):
            uses.count(key_of(customer))

    with ThreadPoolExecutor(8) as pool:
        counting = [pool.submit(count, customer) for customer in customers * 2]
        while not all(future.done() for future in counting):
            uses.flush()
    for future in counting:
        future.result()
    uses.flush()
    assert [stored(customer) for customer in customers] == [{clock().date(): 1000}] * 5


def test_each_check_counts_though_last_use_is_noted_once_a_minute(clock: Clock) -> None:
    both, customer = Uses(), CustomerFactory()
    key = IssuedKey.objects.create(customer=customer, name="k", plugin="jwt")
    both.note(key)
    both.flush()
    key.refresh_from_db()
    assert key.last_used_at == clock()
    both.note(key)
    both.note(key)
    both.flush()
    assert stored(customer) == {clock().date(): 3}


def test_counts_are_written_though_last_uses_cannot_be(clock: Clock) -> None:
    both, customer = Uses(), CustomerFactory()
    both.note(IssuedKey.objects.create(customer=customer, name="k", plugin="jwt"))

    def keys_are_away(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        return database_away() if "issuedkey" in sql else execute(sql, *rest)

    with connection.execute_wrapper(keys_are_away), pytest.raises(OperationalError):
        both.flush()
    assert stored(customer) == {clock().date(): 1}
