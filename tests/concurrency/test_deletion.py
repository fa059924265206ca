"""A customer is deleted while others change what is theirs: neither makes the other fail."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import Customer, IssuedKey, Membership, Operation, User
from portal.services.audit import Action, record
from portal.services.customers import delete_customer, update_customer
from tests.factories import CustomerFactory, MembershipFactory
from tests.real.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def revoking() -> Operation:
    """The revocation of one of two keys of a customer's only user."""
    member: Membership = MembershipFactory()
    IssuedKey.objects.create(
        customer=member.customer, user=member.user, name="k", plugin="jwt", status="active",
        activated_at=now(), fingerprint="f",
    )  # fmt: skip
    key = IssuedKey.objects.create(
        customer=member.customer, user=member.user, name="k", plugin="remote", status="revoking"
    )
    return Operation.objects.create(
        kind="revoke_key", plugin="remote", customer=member.customer, user=member.user, key=key
    )


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_a_deletion_waits_for_an_operation_that_ends(revoking: Operation) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    holds = threading.Event()

    def end_operation() -> None:
        """As a worker does: the operation, its key, and last the audit head."""
        try:
            with transaction.atomic():
                Operation.objects.select_for_update(no_key=True).get(pk=revoking.pk)
                IssuedKey.objects.select_for_update(no_key=True).get(pk=revoking.key_id)
                holds.set()
                eventually(waiting_for_locks, "the deletion waits", seconds=30)
                record(SYSTEM, Action.KEY_REVOKED, "key", customer=revoking.customer)
        finally:
            connection.close()

    def delete() -> None:
        assert holds.wait(30)
        try:
            delete_customer(SYSTEM, revoking.customer_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(end_operation), pool.submit(delete)]:
            done.result(60)
    assert Customer.objects.get().deleted_at is not None
    assert not User.objects.exists()


def test_a_deletion_and_a_suspension_that_meet_at_one_persons_keys_both_end() -> None:
    """A's last member is gone from B, and B still has operations of theirs: one order of locks for all."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    last: Membership = MembershipFactory()
    b = CustomerFactory()
    operations = [issuing(b, last.user) for _ in range(2)]
    # Queries without an order find the row that was written last at the end: the other way round.
    Operation.objects.filter(pk=operations[0].pk).update(attempts=1)

    def run(change: Callable[[], object]) -> None:
        try:
            change()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():  # a worker that just writes
            Operation.objects.select_for_update().get(pk=operations[0].pk)
            both = [pool.submit(run, lambda: delete_customer(SYSTEM, last.customer_id))]
            eventually(lambda: waiting_for_locks() == 1, "the deletion waits", seconds=30)
            both.append(pool.submit(run, lambda: update_customer(SYSTEM, b.pk, {"status": "suspended"})))
            eventually(lambda: waiting_for_locks() == 2, "the suspension waits", seconds=30)
        for done in both:
            done.result(60)
    assert not User.objects.filter(pk=last.user_id).exists()
    assert set(IssuedKey.objects.values_list("status", flat=True)) <= {"revoked", "revoking"}


def issuing(customer: Customer, user: User) -> Operation:
    key = IssuedKey.objects.create(customer=customer, user=user, name="k", plugin="remote")
    return Operation.objects.create(kind="issue_key", plugin="remote", customer=customer, user=user, key=key)
