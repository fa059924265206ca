"""The page on which a person without a company names theirs, and the rules behind it."""

from typing import Any

import pytest
from django.test import Client

from portal.models import AuditEvent, Customer, Membership
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
NAME = "Analytical Engines"


@pytest.fixture(autouse=True)
def open_portal(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "open"


@pytest.fixture
def newcomer(db: None) -> Client:
    return sign_in(UserFactory())


@pytest.mark.parametrize(("signup", "status"), [("open", "active"), ("approval", "pending")])
def test_naming_the_company_makes_its_first_owner(
    settings: Any, newcomer: Client, signup: str, status: str
) -> None:
    settings.PORTAL_SIGNUP = signup
    assert b'href="/welcome"' in newcomer.get("/dashboard").content
    assert newcomer.post("/welcome", {"name": NAME}).url == "/dashboard"
    customer = Customer.objects.get()
    assert (customer.name, customer.status, customer.external_id) == (NAME, status, customer.public_id)
    membership = Membership.objects.get()
    assert (membership.customer, membership.role) == (customer, "owner")
    assert customer.email == membership.user.email
    actions = set(AuditEvent.objects.filter(customer=customer).values_list("action", flat=True))
    assert actions == {"customer.created", "member.added"}


def test_who_waits_for_approval_is_told_so(settings: Any, newcomer: Client) -> None:
    settings.PORTAL_SIGNUP = "approval"
    assert b"before it gets keys" in newcomer.get("/welcome").content
    newcomer.post("/welcome", {"name": NAME})
    assert b"waits for our approval" in newcomer.get("/keys").content


def test_a_company_needs_a_name_that_can_be_seen(newcomer: Client) -> None:
    page = newcomer.post("/welcome", {"name": "\u200b"})
    assert page.context["form"].errors["name"]
    assert not Customer.objects.exists()


def test_sending_the_form_twice_makes_one_company(newcomer: Client) -> None:
    for name in (NAME, NAME, "Another"):
        assert newcomer.post("/welcome", {"name": name}).url == "/dashboard"
    assert Customer.objects.count() == 1


def test_a_person_sets_up_one_company_even_after_leaving_it(newcomer: Client) -> None:
    newcomer.post("/welcome", {"name": NAME})
    Membership.objects.all().delete()
    answer = newcomer.post("/welcome", {"name": "Another"})
    assert answer.status_code == 409
    assert b"everybody can do once" in answer.content
    assert Customer.objects.count() == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "see https://evil.example", "a\x00b"])
def test_names_that_are_none_create_nothing(newcomer: Client, name: str) -> None:
    assert newcomer.post("/welcome", {"name": name}).status_code == 200
    assert not Customer.objects.exists()


def test_by_invitation_nobody_sets_up_a_company(settings: Any, newcomer: Client) -> None:
    settings.PORTAL_SIGNUP = "invite"
    assert b'href="/welcome"' not in newcomer.get("/dashboard").content
    assert newcomer.get("/welcome").status_code == 403
    assert newcomer.post("/welcome", {"name": NAME}).status_code == 403
    assert not Customer.objects.exists()


def test_staff_set_up_companies_in_the_administration() -> None:
    client = sign_in(UserFactory(is_staff=True))
    assert client.post("/welcome", {"name": NAME}).status_code == 403
    assert not Customer.objects.exists()


def test_members_are_led_to_their_company() -> None:
    client = sign_in(MembershipFactory().user)
    assert client.get("/welcome").url == "/dashboard"
    assert client.post("/welcome", {"name": NAME}).url == "/dashboard"
    assert Customer.objects.count() == 1


def test_strangers_sign_in_first() -> None:
    assert Client().get("/welcome").url == "/accounts/login/?next=/welcome"
    assert Client().post("/welcome", {"name": NAME}).status_code == 302
    assert not Customer.objects.exists()


def test_the_page_is_never_stored_and_asks_little_of_the_database(
    newcomer: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        assert "no-store" in newcomer.get("/welcome").headers["Cache-Control"]
    with django_assert_max_num_queries(12):
        newcomer.get("/dashboard")
