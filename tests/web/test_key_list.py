from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.clock import now
from portal.models import IssuedKey, Membership
from tests.factories import PlanFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db
BUDGET = 12


def rows(owner: Membership, count: int, **values: Any) -> None:
    IssuedKey.objects.bulk_create(
        IssuedKey(customer=owner.customer, user=owner.user, name=f"key {n:03}", plugin="jwt", **values)
        for n in range(count)
    )


def test_an_empty_list_says_what_keys_are_for(browser: Client) -> None:
    page = browser.get("/keys").content.decode()
    assert "No keys yet" in page
    assert "Create the first key" in page


def test_the_list_names_facts_in_words(browser: Client, make_key: Callable[..., IssuedKey]) -> None:
    key = make_key("production")
    page = browser.get("/keys").content.decode()
    for words in ("production", "Active", "jwt", key.last4, "in 30 days", "1 key in use"):
        assert words in page


def test_older_pages_reach_every_key_once(browser: Client, owner: Membership) -> None:
    rows(owner, 60)
    seen: list[str] = []
    url = "/keys"
    for _ in range(3):
        answer = browser.get(url)
        seen += [row["key"].name for row in answer.context["rows"]]
        url = answer.context["older_url"]
    assert url == ""
    assert seen == [f"key {n:03}" for n in reversed(range(60))]


def test_an_unknown_place_in_the_list_is_not_found(browser: Client, owner: Membership) -> None:
    assert browser.get("/keys?before=key_x").status_code == 404


def test_the_list_filters_by_the_shown_status(browser: Client, make_key: Callable[..., IssuedKey]) -> None:
    live, past = make_key("live"), make_key("past")
    IssuedKey.objects.filter(pk=past.pk).update(expires_at=now() - timedelta(hours=1))
    for status, found in (
        ("active", [live]),
        ("expired", [past]),
        ("failed", []),
        ("nonsense", [past, live]),
    ):
        answer = browser.get("/keys", {"status": status})
        assert [row["key"] for row in answer.context["rows"]] == found
    assert b"No key is failed" in browser.get("/keys?status=failed").content


def test_the_filter_survives_paging(browser: Client, owner: Membership) -> None:
    rows(owner, 30, status="failed")
    assert browser.get("/keys?status=failed").context["older_url"].startswith("/keys?status=failed&before=")


def test_the_limit_of_the_plan_is_shown(browser: Client, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=5))
    assert b"0 of 5 keys in use" in browser.get("/keys").content


def test_the_list_costs_the_same_at_any_length(browser: Client, owner: Membership) -> None:
    counts = []
    for count in (1, 24):
        rows(owner, count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get("/keys").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= BUDGET
