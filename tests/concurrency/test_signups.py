"""Forms of newcomers that are sent many times at once."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from portal.models import AuditEvent, Customer, Membership, User
from tests.concurrency.test_limits import together
from tests.factories import UserFactory
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def open_portal(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "open"


def test_a_company_is_founded_once() -> None:
    clients = [sign_in(user) for user in [UserFactory()] for _ in range(4)]
    answers = together(8, lambda n: clients[n % 4].post("/welcome", {"name": f"Company {n}"}))
    assert {(answer.status_code, answer.url) for answer in answers} == {(302, "/dashboard")}
    assert Customer.objects.count() == Membership.objects.count() == 1
    assert AuditEvent.objects.filter(action="customer.created").count() == 1


def test_an_account_is_made_once() -> None:
    form = {"email": "ada@new.example", "password1": PASSWORD, "password2": PASSWORD}
    answers = together(8, lambda n: Client().post("/accounts/signup/", form))
    # Where eight wait for one rate limit on a busy machine, some may be told to try again.
    answered = [answer for answer in answers if answer.status_code != 429]
    assert {(answer.status_code, answer.url) for answer in answered} == {(302, "/accounts/confirm-email/")}
    assert User.objects.count() == 1
    assert AuditEvent.objects.filter(action="user.created").count() == 1
    assert len(mail.outbox) == 1
