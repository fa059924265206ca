"""Uses of keys are noted in memory and written in batches; none moves a key's last use back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from portal.models import Customer, IssuedKey
from portal.services.last_use import BATCH, MOST_KEYS, LastUses
from tests.conftest import Clock
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def uses() -> LastUses:
    return LastUses()


def new_key(customer: Customer | None = None) -> IssuedKey:
    return IssuedKey.objects.create(customer=customer or CustomerFactory(), name="k", plugin="jwt")


def written(key: IssuedKey) -> datetime | None:
    return IssuedKey.objects.get(pk=key.pk).last_used_at


def database_away(*_: Any) -> None:
    raise OperationalError("away")


def test_a_use_is_written_by_the_next_flush_and_not_before(uses: LastUses, clock: Clock) -> None:
    key, used_at = new_key(), clock()
    with CaptureQueriesContext(connection) as queries:
        uses.note(key)
    assert not queries.captured_queries
    clock.advance(seconds=5)
    uses.flush()
    assert written(key) == used_at


def test_the_latest_of_many_uses_counts(uses: LastUses, clock: Clock) -> None:
    key = new_key()
    uses.note(key)
    clock.advance(seconds=7)
    uses.note(key)
    uses.flush()
    assert written(key) == clock()


def test_many_keys_are_written_by_one_update(
    uses: LastUses, clock: Clock, django_assert_num_queries: Callable[[int], Any]
) -> None:
    customer = CustomerFactory()
    keys = [new_key(customer) for _ in range(20)]
    for key in keys:
        uses.note(key)
        clock.advance(microseconds=10)
    with CaptureQueriesContext(connection) as queries:
        uses.flush()
    assert sum(query["sql"].startswith("UPDATE") for query in queries) == 1
    assert all(written(key) is not None for key in keys)
    with django_assert_num_queries(0):
        uses.flush()


def test_more_than_a_batch_is_written_whole(uses: LastUses, clock: Clock) -> None:
    customer = CustomerFactory()
    IssuedKey.objects.bulk_create(
        IssuedKey(customer=customer, name="k", plugin="jwt") for _ in range(2 * BATCH + 1)
    )
    for number, key in enumerate(IssuedKey.objects.all()):
        uses.note(key)
        clock.advance(seconds=number % 2)
    uses.flush()
    assert not IssuedKey.objects.filter(last_used_at=None).exists()


def test_a_key_is_noted_once_a_minute(uses: LastUses, clock: Clock) -> None:
    key, first = new_key(), clock()
    uses.note(key)
    uses.flush()
    key.refresh_from_db()
    clock.advance(seconds=59)
    uses.note(key)
    uses.flush()
    assert written(key) == first
    clock.advance(seconds=1)
    uses.note(key)
    uses.flush()
    assert written(key) == clock()


def test_a_slower_process_does_not_move_a_last_use_back(uses: LastUses, clock: Clock) -> None:
    key, other_process = new_key(), LastUses()
    uses.note(key)
    clock.advance(seconds=3)
    other_process.note(key)
    other_process.flush()
    uses.flush()
    assert written(key) == clock()


def test_a_clock_that_was_put_back_does_not_either(uses: LastUses, clock: Clock) -> None:
    key, used_at = new_key(), clock()
    uses.note(key)
    clock.advance(seconds=-30)
    uses.note(key)
    uses.flush()
    assert written(key) == used_at


def test_what_a_database_that_is_away_did_not_take_is_written_later(uses: LastUses, clock: Clock) -> None:
    first, second, used_at = new_key(), new_key(), clock()
    uses.note(first)
    with connection.execute_wrapper(database_away), pytest.raises(OperationalError):
        uses.flush()
    clock.advance(seconds=20)
    uses.note(second)
    uses.flush()
    assert (written(first), written(second)) == (used_at, clock())


def test_a_use_during_an_outage_is_not_replaced_by_an_older_one(uses: LastUses, clock: Clock) -> None:
    key = new_key()
    uses.note(key)

    def used_again(*_: Any) -> None:
        clock.advance(seconds=4)
        uses.note(key)
        raise OperationalError("away")

    with connection.execute_wrapper(used_again), pytest.raises(OperationalError):
        uses.flush()
    uses.flush()
    assert written(key) == clock()


def test_deleted_keys_do_no_harm_and_are_not_kept(
    uses: LastUses, clock: Clock, django_assert_num_queries: Callable[[int], Any]
) -> None:
    deleted, key = new_key(), new_key()
    uses.note(deleted)
    uses.note(key)
    IssuedKey.objects.filter(pk=deleted.pk).delete()
    uses.flush()
    assert written(key) == clock()
    with django_assert_num_queries(0):
        uses.flush()


def test_memory_is_bounded_and_known_keys_go_on(uses: LastUses, clock: Clock) -> None:
    known, late, stranger = new_key(), new_key(), IssuedKey()
    uses.note(known)
    for number in range(1, MOST_KEYS):
        stranger.pk = -number
        uses.note(stranger)
    clock.advance(seconds=5)
    uses.note(known)
    uses.note(late)
    assert len(uses) == MOST_KEYS
    uses.flush()
    assert (written(known), written(late)) == (clock(), None)
    uses.note(late)
    uses.flush()
    assert written(late) == clock()


def test_no_use_is_lost_between_threads(uses: LastUses) -> None:
    """Noted by many while another takes what there is, again and again."""
    keys = [new_key() for _ in range(40)]

    def note(key: IssuedKey) -> None:
        for _ in range(200):
            uses.note(key)

    with ThreadPoolExecutor(8) as pool:
        noting = [pool.submit(note, key) for key in keys]
        while not all(future.done() for future in noting):
            uses.flush()
    for future in noting:
        future.result()
    uses.flush()
    assert all(written(key) is not None for key in keys)


def test_a_use_is_shown_to_the_second_and_never_later_than_it_was(uses: LastUses, clock: Clock) -> None:
    clock.advance(microseconds=900_000)
    key, used_at = new_key(), clock()
    uses.note(key)
    uses.flush()
    found = written(key)
    assert found is not None
    assert timedelta() <= used_at - found < timedelta(seconds=1)
