from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.actor import SYSTEM
from portal.core.stopping import stopping
from portal.models import AuditEvent, Customer, IssuedKey, Membership, Operation
from portal.services.audit import broken_entries
from portal.services.keys.expire import expire_keys
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from tests.conftest import Clock, key_of
from tests.factories import CustomerFactory
from tests.jobs.listing import Listing
from tests.services.remote import fresh, remote_key, work

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]


def bare_key(customer: Customer, clock: Clock, number: int) -> IssuedKey:
    return IssuedKey.objects.create(
        customer=customer, name="bare", plugin="jwt", status="active", activated_at=clock(),
        expires_at=clock(), fingerprint=f"{customer.pk} {number}", sealed_secret="sealed",
    )  # fmt: skip


def test_a_key_whose_time_is_up_expires(issue: Issue, clock: Clock) -> None:
    key = key_of(issue(expires_in="1h"))
    IssuedKey.objects.update(sealed_secret="sealed", revealed_at=None)
    assert expire_keys() == 0
    clock.advance(hours=1)
    assert expire_keys() == 1
    key = fresh(key)
    assert (key.status, key.sealed_secret, key.secret_erased_at) == ("expired", "", clock())
    assert AuditEvent.objects.filter(action="key.expired", object=key.public_id).count() == 1
    assert expire_keys() == 0
    assert not Operation.objects.filter(kind="revoke_key").exists()


def test_many_keys_of_many_customers_expire_in_short_transactions(clock: Clock) -> None:
    for customer in CustomerFactory.create_batch(3):
        for number in range(4):
            bare_key(customer, clock, number)
    assert expire_keys() == 12
    assert not IssuedKey.objects.exclude(status="expired").exists()
    assert AuditEvent.objects.filter(action="key.expired").count() == 12
    assert list(broken_entries()) == []


def test_one_customers_keys_cost_no_query_each(clock: Clock) -> None:
    def queries(keys: int) -> int:
        customer = CustomerFactory()
        for number in range(keys):
            bare_key(customer, clock, number)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert expire_keys() == keys
        return len(captured)

    assert queries(2) == queries(20)


def test_it_ends_between_two_transactions_when_told_to_stop(clock: Clock) -> None:
    bare_key(CustomerFactory(), clock, 1)
    stopping.set()
    try:
        assert expire_keys() == 0
    finally:
        stopping.clear()
    assert expire_keys() == 1


def expiring(owner: Membership, clock: Clock) -> IssuedKey:
    key = remote_key(owner)
    IssuedKey.objects.filter(pk=key.pk).update(expires_at=clock() + timedelta(hours=1))
    return fresh(key)


def test_a_remote_credential_is_removed_and_the_key_stays_expired(
    remote: Listing,
    owner: Membership,
    clock: Clock,
) -> None:
    key = expiring(owner, clock)
    clock.advance(hours=1)
    expire_keys()
    assert len(remote.there) == 1
    work()
    assert not remote.there
    assert fresh(key).status == "expired"
    assert Operation.objects.get(kind="revoke_key").state == "succeeded"


def test_a_key_that_is_being_revoked_does_not_expire(
    remote: Listing,
    owner: Membership,
    clock: Clock,
) -> None:
    key = expiring(owner, clock)
    revoke_key(SYSTEM, key.pk)
    clock.advance(hours=2)
    assert expire_keys() == 0
    work()
    assert fresh(key).status == "revoked"


def test_a_key_that_was_rotated_away_and_expires_within_the_overlap_is_removed_at_once(
    remote: Listing,
    owner: Membership,
    clock: Clock,
) -> None:
    key = expiring(owner, clock)
    rotate_key(SYSTEM, key.pk, overlap=timedelta(days=1))
    work()
    assert len(remote.there) == 2
    clock.advance(hours=1)
    expire_keys()
    work()
    assert len(remote.there) == 1
    clock.advance(days=2)
    work()
    assert fresh(key).status == "expired"
    assert len(remote.there) == 1
