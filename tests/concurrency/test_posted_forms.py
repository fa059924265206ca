"""Forms that are sent several times at once, as by double clicks, and forms that race for a plan's last key."""

from typing import Any

import pytest
from django.test import Client

from portal.models import IssuedKey, Operation
from tests.concurrency.test_limits import together
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory
from tests.web.conftest import sign_in
from tests.web.test_new_key import fields

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


def copies(client: Client) -> list[Client]:
    """As many tabs of the browser: each has its session."""
    tabs = [Client() for _ in range(AT_ONCE)]
    for tab in tabs:
        tab.cookies = client.cookies.copy()
    return tabs


def post(tab: Client, path: str, form: dict[str, Any]) -> tuple[int, str]:
    answer = tab.post(path, form)
    return answer.status_code, answer.headers.get("Location", "")


def test_one_form_sent_eight_times_at_once_creates_one_key() -> None:
    browser = sign_in(MembershipFactory().user)
    form, tabs = fields(browser), copies(browser)
    answers = together(AT_ONCE, lambda n: post(tabs[n], "/keys/new", form))
    key = IssuedKey.objects.get()
    assert answers == [(302, f"/keys/{key.public_id}")] * AT_ONCE
    assert (key.status, Operation.objects.count()) == ("active", 1)


def test_different_forms_at_once_stay_within_the_plan() -> None:
    owner = MembershipFactory()
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=3))
    browser = sign_in(owner.user)
    forms = [fields(browser, name=f"key {number}") for number in range(AT_ONCE)]
    tabs = copies(browser)
    answers = together(AT_ONCE, lambda n: post(tabs[n], "/keys/new", forms[n]))
    assert sorted(status for status, _ in answers) == [302] * 3 + [409] * 5
    assert IssuedKey.objects.filter(status="active").count() == IssuedKey.objects.count() == 3


def test_one_rotation_sent_eight_times_at_once_makes_one_successor() -> None:
    browser = sign_in(MembershipFactory().user)
    path = browser.post("/keys/new", fields(browser)).headers["Location"]
    token = browser.get(f"{path}/rotate").context["form"].initial["form_token"]
    form, tabs = {"form_token": token, "overlap": "1d"}, copies(browser)
    answers = together(AT_ONCE, lambda n: post(tabs[n], f"{path}/rotate", form))
    successor = IssuedKey.objects.get(rotated_from__isnull=False)
    assert answers == [(302, f"/keys/{successor.public_id}")] * AT_ONCE


def test_two_rotations_at_once_make_one_successor() -> None:
    browser = sign_in(MembershipFactory().user)
    path = browser.post("/keys/new", fields(browser)).headers["Location"]
    forms = [
        {"form_token": browser.get(f"{path}/rotate").context["form"].initial["form_token"], "overlap": "1d"}
        for _ in range(AT_ONCE)
    ]
    tabs = copies(browser)
    answers = together(AT_ONCE, lambda n: post(tabs[n], f"{path}/rotate", forms[n]))
    assert sorted(status for status, _ in answers) == [302] + [409] * 7
    assert IssuedKey.objects.count() == 2
