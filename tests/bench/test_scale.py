"""What ``make bench`` fills its databases with is what the portal itself could have stored."""

import pytest
from django.db import connection

from bench.bulk_load import insert_rows
from bench.scale import HEAVY
from portal.models import AuditEvent, Customer, IssuedKey, Membership, Operation, Subscription

pytestmark = pytest.mark.django_db
SIZE = 200


@pytest.fixture
def filled() -> None:
    with connection.cursor() as cursor:
        insert_rows(cursor.cursor, connection.vendor, SIZE)
    connection.check_constraints()


@pytest.mark.usefixtures("filled")
def test_there_are_five_keys_a_customer_in_every_status_but_the_short_ones() -> None:
    assert Customer.objects.count() == SIZE
    assert IssuedKey.objects.count() == Operation.objects.count() == 5 * SIZE
    assert AuditEvent.objects.filter(customer__isnull=False).count() == 6 * SIZE
    statuses = set(IssuedKey.objects.values_list("status", flat=True))
    assert statuses == set(IssuedKey.Status.values) - {"revoking"}
    assert set(Customer.objects.values_list("status", flat=True)) == set(Customer.Status.values)


@pytest.mark.usefixtures("filled")
def test_a_key_belongs_to_a_member_and_a_subscription_of_its_customer() -> None:
    members = set(Membership.objects.values_list("customer_id", "user_id"))
    subscribed = set(Subscription.objects.values_list("customer_id", "pk"))
    for key in IssuedKey.objects.select_related("rotated_from"):
        assert (key.customer_id, key.user_id) in members
        assert key.subscription_id is None or (key.customer_id, key.subscription_id) in subscribed
        assert key.rotated_from is None or key.rotated_from.customer_id == key.customer_id


@pytest.mark.usefixtures("filled")
def test_some_customers_have_very_many_keys() -> None:
    assert IssuedKey.objects.filter(customer_id__lte=HEAVY).count() > 5 * SIZE * 0.07
