"""Lists over millions: what is counted is bounded, and only the shown rows are read."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.admin import paginator
from portal.admin.paginator import BoundedPaginator
from portal.core.clock import now
from portal.models import Customer, IssuedKey, Membership
from tests.factories import CustomerFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> BoundedPaginator:
    """Two rows a page, of at most five of the seven."""
    monkeypatch.setattr(paginator, "LISTED", 5)
    MembershipFactory.create_batch(7)
    rows = Membership.objects.filter(role="owner").select_related("customer").order_by("-id")
    return BoundedPaginator(rows, 2)


def test_no_more_is_counted_than_a_list_offers(pages: BoundedPaginator) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert (pages.count, pages.more, pages.num_pages) == (5, True, 3)
    (counted,) = queries.captured_queries
    assert "LIMIT 6" in counted["sql"]


def test_pages_hold_the_rows_in_their_order(pages: BoundedPaginator) -> None:
    newest = list(Membership.objects.order_by("-id")[:6])
    assert [row for number in (1, 2, 3) for row in pages.page(number)] == newest


def test_rows_before_the_page_are_skipped_without_reading_what_belongs_to_them(
    pages: BoundedPaginator,
) -> None:
    with CaptureQueriesContext(connection) as queries:
        shown = [row.customer.name for row in pages.page(3)]
    assert len(shown) == 2
    skipping = [query["sql"] for query in queries if "OFFSET" in query["sql"]]
    assert len(skipping) == 1
    assert "JOIN" not in skipping[0]


def test_a_filter_over_a_relation_repeats_no_row() -> None:
    customer = MembershipFactory().customer
    MembershipFactory.create_batch(2, customer=customer, role="admin")
    rows = Customer.objects.filter(memberships__role="owner").order_by("-id")
    assert list(BoundedPaginator(rows, 2).page(1)) == [customer]


def test_a_list_that_is_no_queryset_has_pages_too() -> None:
    pages = BoundedPaginator([1, 2, 3], 2)
    assert list(pages.page(2)) == [3]


def test_keys_whose_time_is_up_are_expired_before_and_after_the_sweep(owner: Membership) -> None:
    def key(status: str, **span: float) -> IssuedKey:
        return IssuedKey.objects.create(
            customer=owner.customer, user=owner.user, name="a", plugin="jwt", status=status,
            activated_at=now(), fingerprint=f"{status} {span}", expires_at=now() + timedelta(**span),
        )  # fmt: skip

    alive, swept = key("active", hours=1), key("expired", hours=-2)
    assert list(IssuedKey.objects.in_status("expired")) == [swept]
    overdue = key("active", hours=-1)
    assert set(IssuedKey.objects.in_status("expired")) == {swept, overdue}
    assert list(IssuedKey.objects.in_status("active")) == [alive]


def test_a_customer_is_found_by_either_id_and_nobody_by_none() -> None:
    customer = CustomerFactory(external_id="acct-1")
    for name in (customer.public_id, "acct-1"):
        assert Customer.objects.ids_of(name) == [customer.pk]
    assert Customer.objects.ids_of("acct-2") == []
