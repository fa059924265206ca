"""Writing last uses waits for nobody who holds a key's row: so it is part of no deadlock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from portal.models import IssuedKey
from portal.services.last_use import LastUses
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held_by_another(key: IssuedKey) -> Iterator[None]:
    """Somebody's transaction has the key's row until the block's end."""
    held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                IssuedKey.objects.select_for_update(no_key=True).get(pk=key.pk)
                held.set()
                assert may_end.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(60)
        yield
    finally:
        may_end.set()
        thread.join(60)


def used(*keys: IssuedKey) -> list[bool]:
    return [IssuedKey.objects.get(pk=key.pk).last_used_at is not None for key in keys]


def test_a_key_that_is_being_changed_is_written_later() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    customer, uses = CustomerFactory(), LastUses()
    held, free = (IssuedKey.objects.create(customer=customer, name="k", plugin="jwt") for _ in "ab")
    uses.note(held)
    uses.note(free)
    with held_by_another(held), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        try:
            uses.flush()
        finally:
            cursor.execute("SET lock_timeout = 0")
        assert used(held, free) == [False, True]
    uses.flush()
    assert used(held, free) == [True, True]
