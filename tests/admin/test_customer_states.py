import pytest

from portal.admin.actions import MOST
from portal.models import AuditEvent, Customer, IssuedKey, Membership, Notice
from portal.services.keys.request import request_key
from tests.admin.conftest import Admin, make_key, text_of, work
from tests.factories import CustomerFactory
from tests.provisioning.acme import AcmeProvider

pytestmark = pytest.mark.django_db

EMPTY_MEMBERS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


def buttons(admin: Admin, customer: Customer) -> str:
    page = admin.get(f"portal/customer/{customer.pk}/change/").content.decode()
    return page.split('class="object-tools"')[1].split("</ul>")[0]


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("pending", {"approve", "decline"}),
        ("active", {"suspend", "close"}),
        ("suspended", {"activate", "close"}),
        ("closed", set()),
    ],
)
def test_a_customer_is_offered_what_can_follow(admin: Admin, status: str, offered: set[str]) -> None:
    shown = buttons(admin, CustomerFactory(status=status))
    assert {
        name for name in ("approve", "decline", "activate", "suspend", "close") if f"/act/{name}/" in shown
    } == offered


def test_a_pending_customer_is_approved(admin: Admin) -> None:
    customer = CustomerFactory(status="pending")
    assert ">Approve</a>" in buttons(admin, customer)
    assert f"{customer.name}: approved." in text_of(admin.act("customer", customer, "approve"))
    customer.refresh_from_db()
    assert customer.status == "active"
    event = AuditEvent.objects.get(action="customer.changed")
    assert event.actor == f"user {admin.user.public_id}"
    assert Notice.objects.get(customer=customer).kind == "customer_approved"


def test_a_pending_customer_is_declined_with_a_reason_that_its_people_read(admin: Admin) -> None:
    customer = CustomerFactory(status="pending")
    refused = admin.act("customer", customer, "decline", reason=" ")
    assert "This field is required" in text_of(refused)
    admin.act("customer", customer, "decline", reason="We know no such company.")
    customer.refresh_from_db()
    assert (customer.status, customer.status_reason) == ("closed", "We know no such company.")
    notice = Notice.objects.get(customer=customer)
    assert (notice.kind, notice.detail) == ("customer_declined", {"reason": "We know no such company."})
    again = admin.act("customer", customer, "decline", reason="Again.")
    assert "has been approved or closed already" in text_of(again)
    assert Notice.objects.count() == 1


def test_the_reason_goes_with_the_status_and_can_be_mended(admin: Admin) -> None:
    customer = CustomerFactory()
    admin.act("customer", customer, "suspend", reason="Unpaid since May.")
    page = f"portal/customer/{customer.pk}/change/"
    assert "Unpaid since May." in admin.get(page).content.decode()
    values = {"name": customer.name, "email": "", "external_id": customer.external_id, **EMPTY_MEMBERS}
    assert admin.post(page, **values, status_reason="Unpaid since June.").status_code == 302
    customer.refresh_from_db()
    assert customer.status_reason == "Unpaid since June."
    admin.act("customer", customer, "activate")
    customer.refresh_from_db()
    assert (customer.status, customer.status_reason) == ("active", "")
    assert 'name="status_reason"' not in admin.get(page).content.decode()


def test_approving_many_brings_nobody_back_who_was_suspended(admin: Admin) -> None:
    pending, suspended = CustomerFactory(status="pending"), CustomerFactory(status="suspended")
    answer = admin.choose("customer", "approve", pending, suspended, confirmed=True)
    assert f"1 approved, 1 refused: {suspended.name}: This customer has been approved" in text_of(answer)
    suspended.refresh_from_db()
    assert suspended.status == "suspended"
    told = text_of(admin.choose("customer", "activate", pending, suspended, confirmed=True))
    assert "1 reactivated, 1 refused" in told


def test_closing_says_how_many_keys_go_and_where(admin: Admin, owner: Membership, acme: AcmeProvider) -> None:
    make_key(owner, "one")
    make_key(owner, "two")
    request_key_at_acme(owner)
    asked = text_of(admin.get(f"portal/customer/{owner.customer_id}/act/close/"))
    assert "3 keys will be revoked, at once and for good: 1 at acme, 2 at jwt." in asked
    assert len(acme.keys) == 1
    admin.act("customer", owner.customer, "close")
    work()
    assert not acme.keys
    assert set(IssuedKey.objects.values_list("status", flat=True)) == {"revoked"}
    owner.customer.refresh_from_db()
    assert owner.customer.status == "closed"


def request_key_at_acme(owner: Membership) -> None:
    from portal.core.actor import SYSTEM

    request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote", plugin="acme")
    work()


def test_500_are_changed_at_once_and_one_refusal_stops_none(admin: Admin) -> None:
    assert MOST == 500
    refused = CustomerFactory(status="closed", name="Long gone")
    CustomerFactory.create_batch(MOST - 1)
    every = list(Customer.objects.order_by("-id"))
    asked = admin.choose("customer", "suspend", *every)
    assert f"Suspend {MOST} customers" in text_of(asked)
    answer = admin.choose("customer", "suspend", *every, confirmed=True)
    told = f"499 suspended, 1 refused: {refused.name}: This customer is closed and can't become suspended"
    assert told in text_of(answer)
    assert Customer.objects.filter(status="suspended").count() == 499


def test_more_than_500_are_refused_before_anything_is_changed(admin: Admin) -> None:
    CustomerFactory.create_batch(MOST + 1)
    every = {"action": "suspend", "_selected_action": "1", "select_across": "1", "index": "0"}
    answer = admin.client.post("/admin/portal/customer/", every, follow=True)
    assert "choose at most 500 at a time. Nothing was changed." in text_of(answer)
    assert not Customer.objects.filter(status="suspended").exists()
