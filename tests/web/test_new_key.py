from datetime import timedelta

import pytest
from django.test import Client

from portal.models import Customer, IssuedKey, Membership, Operation
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db


def fields(client: Client, **changes: object) -> dict[str, object]:
    """The form as the page offers it, filled in."""
    form = client.get("/keys/new").context["form"]
    offered = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {**offered, "name": "production", "expires_in": "usual", **changes}


def test_a_key_is_created_and_its_page_offers_the_secret(browser: Client, owner: Membership) -> None:
    answer = browser.post("/keys/new", fields(browser))
    key = IssuedKey.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/keys/{key.public_id}")
    assert (key.status, key.name, key.user, key.customer) == (
        "active",
        "production",
        owner.user,
        owner.customer,
    )
    assert key.secret_available
    assert b"Reveal the secret" in browser.get(answer.headers["Location"]).content


def test_sending_the_form_twice_creates_one_key(browser: Client) -> None:
    form = fields(browser)
    first, second = browser.post("/keys/new", form), browser.post("/keys/new", form)
    assert first.headers["Location"] == second.headers["Location"]
    assert IssuedKey.objects.count() == 1
    assert Operation.objects.count() == 1


def test_a_changed_or_a_new_form_creates_another_key(browser: Client) -> None:
    form = fields(browser)
    for sent in (form, {**form, "name": "staging"}, fields(browser)):
        assert browser.post("/keys/new", sent).status_code == 302
    assert IssuedKey.objects.count() == 3


def test_one_persons_form_token_means_nothing_in_anothers_hands(browser: Client, owner: Membership) -> None:
    from tests.web.conftest import sign_in

    form = fields(browser)
    colleague = sign_in(MembershipFactory(customer=owner.customer, role="developer").user)
    assert (
        browser.post("/keys/new", form).headers["Location"]
        != colleague.post("/keys/new", form).headers["Location"]
    )
    assert IssuedKey.objects.count() == 2


def test_the_plan_decides_what_is_offered(browser: Client, owner: Membership) -> None:
    SubscriptionFactory(
        customer=owner.customer, plan=PlanFactory(max_lifetime="45d", scopes=["read", "write"])
    )
    form = browser.get("/keys/new").context["form"]
    assert [value for value, _ in form.fields["expires_in"].choices] == ["usual", "1d", "1w", "45d"]
    assert form.fields["scopes"].initial == ["read", "write"]
    assert "plugin" not in form.fields
    browser.post("/keys/new", fields(browser, expires_in="1w", scopes=["read"]))
    key = IssuedKey.objects.get()
    assert (key.lifetime, key.scopes) == (timedelta(days=7), ["read"])


def test_what_the_plan_lacks_is_refused(browser: Client, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_lifetime="45d", scopes=["read"]))
    for beyond in ({"expires_in": "1y"}, {"scopes": ["admin"]}, {"name": ""}, {"name": "x" * 101}):
        assert browser.post("/keys/new", fields(browser, **beyond)).status_code == 422
    assert not IssuedKey.objects.exists()


def test_a_used_up_limit_is_explained_on_the_form(browser: Client, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=1))
    browser.post("/keys/new", fields(browser))
    answer = browser.post("/keys/new", fields(browser, name="one more"))
    assert answer.status_code == 409
    assert b"The plan allows 1 key," in answer.content
    assert b'value="one more"' in answer.content
    assert IssuedKey.objects.count() == 1


def test_a_refused_form_can_be_sent_again_once_the_cause_is_gone(browser: Client, owner: Membership) -> None:
    Customer.objects.update(status="suspended")
    form = fields(browser)
    assert browser.post("/keys/new", form).status_code == 409
    Customer.objects.update(status="active")
    assert browser.post("/keys/new", form).status_code == 302


def test_the_form_stays_with_the_customer_it_was_opened_for(browser: Client, owner: Membership) -> None:
    form = fields(browser)
    other = MembershipFactory(user=owner.user)
    browser.get("/keys", {"customer": other.customer.public_id})
    browser.post("/keys/new", form)
    assert IssuedKey.objects.get().customer == owner.customer


def test_a_form_for_a_foreign_customer_is_refused(browser: Client) -> None:
    foreign = MembershipFactory().customer
    assert browser.post("/keys/new", fields(browser, customer=foreign.public_id)).status_code == 404
    assert not IssuedKey.objects.exists()
