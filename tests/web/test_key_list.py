from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.clock import now
from portal.models import IssuedKey, Membership
from portal.web.keys.filters import SEARCHED
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory
from tests.oauth import auth0_enabled, oauth_key
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]
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
    for words in ("production", "Active", key.last4, "in 30 days", "1 key in use", "not seen yet"):
        assert words in page
    IssuedKey.objects.update(last_used_at=now() - timedelta(hours=3))
    assert "3 hours ago" in browser.get("/keys").content.decode()


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


@pytest.mark.parametrize("place", ["key_x", "%00", "%ff", "'"])
def test_an_unknown_place_in_the_list_is_not_found(browser: Client, owner: Membership, place: str) -> None:
    assert browser.get(f"/keys?before={place}").status_code == 404


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
    assert "No key has the status “Failed”" in browser.get("/keys?status=failed").content.decode()


def test_the_filter_survives_paging(browser: Client, owner: Membership) -> None:
    rows(owner, 30, status="failed")
    assert browser.get("/keys?status=failed").context["older_url"].startswith("/keys?status=failed&before=")


def test_the_limit_of_the_plan_is_shown(browser: Client, owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=5))
    assert b"0 of 5 keys in use" in browser.get("/keys").content


def test_counts_stand_beside_the_statuses(browser: Client, owner: Membership, make_key: MakeKey) -> None:
    make_key()
    rows(owner, 3, status="failed")
    assert pills(browser) == {"All": "4", "Active": "1", "Failed": "3"}


def test_counts_go_no_further_than_a_bound(
    browser: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.web.keys.tally.COUNTED", 3)
    other = MembershipFactory(customer=owner.customer, role="developer")
    rows(owner, 2, status="failed")
    rows(owner, 5)
    IssuedKey.objects.filter(status="requested", name="key 004").update(user=other.user)
    assert pills(browser) == {"All": "5+", "Active": "0", "Being created": "3+", "Failed": "2"}
    assert "3+ keys in use" in browser.get("/keys").content.decode()
    assert pills(browser, person="mine")["Failed"] == "2"
    assert pills(browser, person="mine")["Being created"] in ("2+", "3+")  # of the three it looked at
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=9))
    assert "5 of 9 keys in use" in browser.get("/keys").content.decode()


def test_counts_are_of_the_keys_that_the_filters_leave(browser: Client, owner: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="developer")
    rows(owner, 2, status="failed")
    rows(other, 3, status="failed")
    rows(other, 1)
    assert pills(browser, person="mine") == {"All": "2", "Active": "0", "Failed": "2"}


def pills(browser: Client, **query: str) -> dict[str, str]:
    return {str(pill["words"]): str(pill["count"]) for pill in browser.get("/keys", query).context["pills"]}


def names(browser: Client, **query: str) -> list[str]:
    return [row["key"].name for row in browser.get("/keys", query).context["rows"]]


def test_keys_are_found_by_name_id_and_the_secrets_ends(browser: Client, make_key: MakeKey) -> None:
    make_key("staging")
    key = make_key("Production EU")
    prefix, last4 = key.prefix, key.last4
    for text in ("production", " eu ", key.public_id, last4, f"{prefix}…{last4}", f"{prefix[:3]}...{last4}"):
        assert names(browser, search=text) == ["Production EU"], text
    assert "Nothing found for “&lt;b&gt;”" in browser.get("/keys?search=<b>").content.decode()


@pytest.mark.parametrize(
    "text", ["\x00", "%", "_", "key_", "…", "x" * 5000, "\ud800".encode("utf-8", "replace")]
)
def test_any_text_can_be_searched_for(browser: Client, owner: Membership, text: str) -> None:
    rows(owner, 2)
    assert browser.get("/keys", {"search": text}).status_code == 200


def test_a_percent_sign_is_no_wildcard(browser: Client, make_key: MakeKey) -> None:
    make_key("plain")
    make_key("100%")
    assert names(browser, search="%") == ["100%"]


def test_mine_are_those_in_ones_own_name(browser: Client, owner: Membership, make_key: MakeKey) -> None:
    make_key("mine")
    other = MembershipFactory(customer=owner.customer, role="developer")
    IssuedKey.objects.create(customer=owner.customer, user=other.user, name="theirs", plugin="jwt")
    assert names(browser, person="mine") == ["mine"]
    assert names(browser) == ["theirs", "mine"]


def test_kinds_are_offered_when_there_are_several(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    make_key("signed")
    assert b'name="plugin"' not in browser.get("/keys").content
    with auth0_enabled():
        oauth_key(owner, name="client")
        page = browser.get("/keys").content.decode()
        assert "OAuth client" in page
        assert "Signed key (JWT)" in page
        assert names(browser, plugin="auth0-m2m") == ["client"]
        assert names(browser, plugin="nonsense") == ["client", "signed"]


def test_all_filters_survive_paging(browser: Client, owner: Membership) -> None:
    rows(owner, 30, status="failed")
    answer = browser.get("/keys?status=failed&search=key&person=mine")
    url = answer.context["older_url"]
    assert url.startswith("/keys?status=failed&search=key&person=mine&before=")
    answer = browser.get(url)
    assert len(answer.context["rows"]) == 5
    assert answer.context["newest_url"] == "/keys?status=failed&search=key&person=mine"


def test_a_search_looks_at_so_many_keys_and_goes_on_with_older_ones(
    browser: Client, owner: Membership
) -> None:
    rows(owner, 1, status="failed")
    IssuedKey.objects.update(name="needle")
    rows(owner, SEARCHED, status="failed")
    answer = browser.get("/keys?search=needle")
    assert answer.context["rows"] == []
    assert "Search older ones" in answer.content.decode()
    answer = browser.get(answer.context["older_url"])
    assert [row["key"].name for row in answer.context["rows"]] == ["needle"]
    assert answer.context["older_url"] == ""
    key = IssuedKey.objects.get(name="needle")
    assert names(browser, search=key.public_id) == ["needle"]


def test_a_viewer_of_no_keys_is_told_who_creates_them(owner: Membership) -> None:
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    page = viewer.get("/keys").content.decode()
    assert "Somebody with the role developer or above can create one." in page
    assert "/keys/new" not in page


def test_nothing_of_other_customers_is_listed_or_counted(browser: Client, owner: Membership) -> None:
    rows(MembershipFactory(), 3)
    answer = browser.get("/keys?search=key")
    assert answer.context["rows"] == []
    assert b"0 keys in use" in answer.content


@pytest.mark.parametrize("query", ["", "?status=active", "?search=key&person=mine&status=failed"])
def test_the_list_costs_the_same_at_any_length(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any, query: str
) -> None:
    owner.user.is_staff = True  # whose permissions are asked for, too
    owner.user.save()
    rows(owner, 60, status="failed")
    older = browser.get(f"/keys{query}").context["older_url"] or "/keys"
    with django_assert_max_num_queries(BUDGET):
        assert browser.get(older).status_code == 200
