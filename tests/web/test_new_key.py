from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.clock import now
from portal.models import Customer, IssuedKey, Membership, Operation, Plan
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory
from tests.oauth import auth0_enabled
from tests.web.conftest import sign_in

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


@pytest.mark.parametrize("name", ["\u200b", "\u2060\u00ad", "\u3164", "bill\u202egni"])
def test_a_name_that_nobody_sees_or_that_turns_the_page_is_refused(browser: Client, name: str) -> None:
    answer = browser.post("/keys/new", fields(browser, name=name))
    assert answer.status_code == 422
    assert answer.context["form"].errors["name"]
    assert not IssuedKey.objects.exists()


@pytest.mark.parametrize(
    "name", ["מפתח ייצור", "مفتاح الإنتاج", "प्रोडक्शन", "生産", "🚀", "क्‍ष", "%", "x" * 100]
)
def test_a_name_may_be_of_any_script(browser: Client, name: str) -> None:
    browser.post("/keys/new", fields(browser, name=name))
    assert IssuedKey.objects.get().name == name


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
    form = fields(browser)
    browser.post("/keys/new", form)
    answer = browser.post("/keys/new", {**form, "name": "one more"})
    assert answer.status_code == 409
    assert b'href="/plans"' in answer.content
    assert b"The plan allows 1 key," in answer.content
    assert b'value="one more"' in answer.content
    assert IssuedKey.objects.count() == 1


def test_a_refused_form_can_be_sent_again_once_the_cause_is_gone(browser: Client, owner: Membership) -> None:
    form = fields(browser)
    Customer.objects.update(status="suspended")
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


def test_the_page_tells_what_the_plan_leaves(browser: Client, owner: Membership) -> None:
    plan = PlanFactory(name="Starter", max_keys=3, max_lifetime="90d")
    SubscriptionFactory(customer=owner.customer, plan=plan)
    browser.post("/keys/new", fields(browser))
    page = " ".join(browser.get("/keys/new").content.decode().split())
    assert "Your plan, “Starter”: 2 of 3 keys left. A key lives 90 days at most." in page


@pytest.mark.parametrize(
    ("plan", "used", "status", "title"),
    [
        ({"max_keys": 1}, 1, "active", "The only key of your plan is in use"),
        ({"max_keys": 2}, 2, "active", "All 2 keys of your plan are in use"),
        ({"max_keys": 0}, 0, "active", "Your plan allows no keys"),
        ({}, 0, "pending", "No new keys at present"),
        ({}, 0, "suspended", "No new keys at present"),
        ({"plugins": ["gone"]}, 0, "active", "There is no kind of key to create"),
    ],
)
def test_what_stands_in_the_way_is_said_before_anything_is_typed(
    browser: Client, owner: Membership, plan: dict[str, object], used: int, status: str, title: str
) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(**plan))
    for number in range(used):
        browser.post("/keys/new", fields(browser, name=f"key {number}"))
    Customer.objects.update(status=status)
    answer = browser.get("/keys/new")
    assert answer.status_code == 200
    assert answer.context["form"] is None
    assert title in answer.content.decode()
    blank = {"customer": owner.customer.public_id, "form_token": "x", "name": "x", "expires_in": "usual"}
    refused = browser.post("/keys/new", blank)
    assert refused.status_code in (409, 422)
    assert title in refused.content.decode()
    assert IssuedKey.objects.count() == used


def test_a_missing_subscription_leads_to_the_plans(browser: Client, owner: Membership) -> None:
    Plan.objects.update(requires_subscription=True)
    page = browser.get("/keys/new").content.decode()
    assert "A subscription is needed first" in page
    assert 'href="/plans"' in page
    assert 'name="name"' not in page


def test_another_key_begins_with_the_settings_of_the_one_it_is_like(
    browser: Client, owner: Membership
) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(scopes=["read", "write"]))
    browser.post("/keys/new", fields(browser, name="Ada's laptop", expires_in="1w", scopes=["write"]))
    key = IssuedKey.objects.get()
    assert b"?like=" not in browser.get(f"/keys/{key.public_id}").content
    IssuedKey.objects.update(expires_at=now())
    assert f"/keys/new?like={key.public_id}" in browser.get(f"/keys/{key.public_id}").content.decode()
    form = browser.get("/keys/new", {"like": key.public_id}).context["form"]
    offered = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    assert (offered["name"], offered["expires_in"], offered["scopes"]) == ("Ada's laptop", "1w", ["write"])


@pytest.mark.parametrize("like", ["key_x", "", "\x00"])
def test_a_key_cannot_be_like_one_that_is_not_there(browser: Client, like: str) -> None:
    assert browser.get("/keys/new", {"like": like}).status_code == 404


def test_a_key_cannot_be_like_a_strangers(browser: Client) -> None:
    other = MembershipFactory()
    key = IssuedKey.objects.create(
        customer=other.customer, user=other.user, name="secret plans", plugin="jwt"
    )
    answer = browser.get("/keys/new", {"like": key.public_id})
    assert (answer.status_code, b"secret plans" in answer.content) == (404, False)


def test_kinds_have_names_for_people(browser: Client) -> None:
    with auth0_enabled():
        form = browser.get("/keys/new").context["form"]
        assert form.fields["plugin"].choices == [("jwt", "Signed key (JWT)"), ("auth0-m2m", "OAuth client")]


def test_viewers_and_passers_by_create_nothing(owner: Membership) -> None:
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    blank = {"customer": owner.customer.public_id, "form_token": "x", "name": "x", "expires_in": "usual"}
    assert viewer.get("/keys/new").status_code == 403
    assert viewer.post("/keys/new", blank).status_code == 403
    assert Client().post("/keys/new", blank).headers["Location"].startswith("/accounts/login/")
    assert not IssuedKey.objects.exists()


def test_the_page_stays_within_its_budget(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any
) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=5))
    browser.post("/keys/new", fields(browser))
    key = IssuedKey.objects.get()
    for url in ("/keys/new", f"/keys/new?like={key.public_id}"):
        with django_assert_max_num_queries(12):
            assert browser.get(url).status_code == 200
