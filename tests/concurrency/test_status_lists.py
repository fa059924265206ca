"""Revocations that commit late, and several signers at once: no bit is lost."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jwt
import pytest
from django.db import connection, transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.core.failpoints import on_failpoint
from portal.models import IssuedKey, StatusList, StatusListChange
from portal.services.data_keys import data_key
from portal.services.keys.revoke import revoke_key
from portal.services.status_lists import is_any_list_stale, publish_status_lists
from tests.concurrency.test_limits import together
from tests.factories import CustomerFactory
from tests.key_numbers import restart_key_numbers
from tokens.status_list import Statuses, position

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def first_list() -> None:
    restart_key_numbers()


def is_invalid(key: IssuedKey) -> bool:
    claims = jwt.decode(StatusList.objects.get(number=0).token, options={"verify_signature": False})
    index = position(key.pk, data_key("status-index")).index
    return bool(Statuses.from_claim(claims["status_list"])[index])


def some_keys(count: int) -> list[IssuedKey]:
    """Of a customer each, whose audit chain has begun: announcing one waits for others."""
    keys = []
    for _ in range(count):
        customer = CustomerFactory()
        first, key = (IssuedKey.objects.create(customer=customer, name="k", plugin="jwt") for _ in "ab")
        revoke_key(SYSTEM, first.pk)
        keys.append(key)
    return keys


@contextmanager
def revoked_by_another(key: IssuedKey) -> Iterator[None]:
    """Somebody's transaction revokes it, and commits at the block's end only."""
    written, may_commit = threading.Event(), threading.Event()

    def revoke() -> None:
        try:
            with transaction.atomic():
                revoke_key(SYSTEM, key.pk)
                written.set()
                assert may_commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=revoke)
    thread.start()
    try:
        assert written.wait(60)
        yield
    finally:
        may_commit.set()
        thread.join(60)


def test_a_revocation_that_commits_late_is_published_when_it_does() -> None:
    """Younger ones were noted, signed and their notes taken away before it committed."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    late, early = some_keys(2)
    publish_status_lists()
    with revoked_by_another(late):
        revoke_key(SYSTEM, early.pk)
        assert is_any_list_stale()
        assert publish_status_lists() == 1
        assert not is_any_list_stale()
        StatusList.objects.update(renew_at=now())
        assert publish_status_lists() == 1
        assert (is_invalid(early), is_invalid(late)) == (True, False)
    assert is_any_list_stale()
    assert publish_status_lists() == 1
    assert (is_invalid(early), is_invalid(late)) == (True, True)
    assert not is_any_list_stale()


def test_a_revocation_that_commits_while_a_list_is_signed_keeps_its_note() -> None:
    """Its note is older than those that are taken away then."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    late, early = some_keys(2)
    publish_status_lists()
    with ExitStack() as under_way:
        under_way.callback(on_failpoint, None)
        under_way.enter_context(revoked_by_another(late))
        revoke_key(SYSTEM, early.pk)
        on_failpoint(lambda name: under_way.close() if name == "status_list.signed" else None)
        assert publish_status_lists() == 1
    assert (is_invalid(early), is_invalid(late)) == (True, False)
    assert is_any_list_stale()
    assert publish_status_lists() == 1
    assert is_invalid(late)


def test_revoking_and_signing_wait_for_nobody_who_revokes() -> None:
    """No row is shared: each transaction only adds a note of its own."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    first, second = some_keys(2)
    publish_status_lists()
    with revoked_by_another(first), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        try:
            revoke_key(SYSTEM, second.pk)
            assert publish_status_lists() == 1
        finally:
            cursor.execute("SET lock_timeout = 0")


def test_many_signers_and_revocations_at_once_end_in_the_truth() -> None:
    keys = some_keys(8)

    def act(number: int) -> None:
        revoke_key(SYSTEM, keys[number].pk)
        publish_status_lists()

    together(8, act)
    while is_any_list_stale():
        publish_status_lists()
    assert all(is_invalid(key) for key in keys)
    assert not StatusListChange.objects.exists()
