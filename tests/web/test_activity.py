"""``/activity``: a customer's own audit log in words, filtered and paged."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from portal.core.actor import SYSTEM, Actor
from portal.core.ids import new_id
from portal.models import AuditEvent, IssuedKey, Membership
from portal.services.access_tokens import create_access_token
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.audit import Action
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.members import add_member, remove_member
from portal.web.actions import KINDS, SENTENCES, actions_of
from portal.web.activity import page
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]
BUDGET = 12
# What is recorded in the portal's own chain, which no customer sees.
ELSEWHERE = (
    "audit.",
    "user.",
    "staff_group.",
    "plan.",
    "signing_key.",
    "portal.",
    "plugin.",
    "phone_numbers.",
)


def told(browser: Client, query: str = "", **filters: str) -> list[str]:
    answer = browser.get(f"/activity{query}", filters)
    assert answer.status_code == 200
    return [entry.text for entry in answer.context["entries"]]


def store(owner: Membership, count: int, **values: Any) -> list[AuditEvent]:
    """Entries as a customer's chain may hold them, but for the chain."""
    first = AuditEvent.objects.count()
    return AuditEvent.objects.bulk_create(
        AuditEvent(**{
            "actor": f"user {owner.user.public_id}", "action": "key.revealed", "object": new_id("key"),
            "customer": owner.customer, "chain": owner.customer.public_id, "number": 10_000 + first + n,
            "mac": "m", **values,
        })
        for n in range(count)
    )  # fmt: skip


def test_every_action_has_words_and_a_kind() -> None:
    actions = {action.value for action in Action if not action.startswith(ELSEWHERE)}
    assert actions == set(SENTENCES)
    kinds = [action for kind in KINDS for action in actions_of(kind)]
    assert sorted(kinds) == sorted(SENTENCES)


@pytest.mark.parametrize("action", SENTENCES)
def test_every_action_is_told_without_a_placeholder(browser: Client, owner: Membership, action: str) -> None:
    store(owner, 1, action=action)
    (sentence,) = told(browser)
    assert "{" not in sentence
    assert action not in sentence


def test_it_says_who_did_what_to_which_key(browser: Client, owner: Membership) -> None:
    operation = request_key(actor_of_user(owner.user), owner.customer_id, user=owner.user, name="Production")
    assert operation.key is not None
    answer = browser.get("/activity").content.decode()
    link = f'<a href="/keys/{operation.key.public_id}">Production</a>'
    assert f"<strong>{owner.user.name}</strong> created the key “{link}”" in answer


def test_names_that_look_like_markup_or_placeholders_stay_text(browser: Client, owner: Membership) -> None:
    name = "<b>{who} %(what)s {0}</b>"
    request_key(actor_of_user(owner.user), owner.customer_id, user=owner.user, name=name)
    assert escape(name) in browser.get("/activity").content.decode()


def test_only_present_members_are_named(browser: Client, owner: Membership) -> None:
    gone = MembershipFactory(customer=owner.customer, role="admin", user=UserFactory(name="Greta Gone"))
    store(owner, 1, actor="user usr_of_long_ago", action="key.revoked")
    staff = UserFactory(name="Sam Staff", email="sam@staff.example", is_staff=True, is_superuser=True)
    for person in (gone.user, staff):
        add_member(actor_of_user(person), owner.customer_id, email=f"{person.pk}@example.com", role="viewer")
    remove_member(actor_of_user(owner.user), owner.customer_id, gone.user_id)
    removed, by_staff, by_gone = told(browser)[:3]
    assert removed == f"{owner.user.name} removed a former colleague from the team"
    assert by_staff.startswith("Latchkey staff added ")
    assert by_gone.startswith("A former colleague added ")
    assert told(browser)[-1].startswith("Somebody who has left revoked ")
    body = browser.get("/activity").content.decode()
    assert not [word for word in ("Greta", "Sam Staff", "sam@staff") if word in body]


def test_who_signs_up_joins_and_adds_nobody(browser: Client, owner: Membership) -> None:
    store(owner, 1, action="member.added", object=owner.user.public_id)
    assert told(browser) == [f"{owner.user.name} joined the team"]


def test_access_tokens_and_the_portal_are_named(browser: Client, owner: Membership) -> None:
    token, _ = create_access_token(
        actor_of_user(owner.user), owner=owner.user, scopes=["keys:write"], customer=owner.customer, name="CI"
    )
    operation = request_key(actor_of_token(token), owner.customer_id, user=owner.user, name="nightly")
    billing, _ = create_access_token(SYSTEM, owner=owner.user, scopes=["customers:write"], name="Billing")
    store(owner, 1, actor=f"token {billing.public_id}", action="customer.changed")
    store(owner, 1, actor="token tok_of_long_ago", action="customer.changed")
    assert operation.key_id is not None
    revoke_key(SYSTEM, operation.key_id)
    assert told(browser)[0].startswith("The portal ")
    assert "An access token of Latchkey staff changed" in " ".join(told(browser))
    assert "A former access token changed" in " ".join(told(browser))
    assert told(browser)[-2:] == [
        "The access token CI created the key “nightly”",
        f"{owner.user.name} created the access token “CI”",
    ]


def test_a_strangers_log_is_nobodys(browser: Client) -> None:
    other = MembershipFactory()
    request_key(actor_of_user(other.user), other.customer_id, user=other.user, name="theirs")
    assert told(browser) == []
    (foreign,) = AuditEvent.objects.filter(customer=other.customer, action="key.requested")
    assert browser.get(f"/activity?before={foreign.public_id}").status_code == 404
    assert b"theirs" not in b"".join(browser.get("/activity.csv").streaming_content)


@pytest.mark.parametrize("role", ["viewer", "developer"])
@pytest.mark.parametrize("path", ["/activity", "/activity.csv"])
def test_who_may_not_read_it_is_refused_and_not_led_there(owner: Membership, role: str, path: str) -> None:
    member = sign_in(MembershipFactory(customer=owner.customer, role=role).user)
    answer = member.get(path)
    assert answer.status_code == 403
    assert b'href="/activity"' not in answer.content
    assert b'href="/activity"' not in member.get("/dashboard").content


@pytest.mark.parametrize("path", ["/activity?kind=keys", "/activity.csv"])
def test_anonymous_people_sign_in_first(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=/activity")


def test_it_filters_by_kind_person_and_both(browser: Client, owner: Membership) -> None:
    colleague = MembershipFactory(customer=owner.customer, user=UserFactory(name="Ada"), role="admin")
    for person in (owner.user, colleague.user):
        actor = actor_of_user(person)
        request_key(actor, owner.customer_id, user=person, name=f"of {person.name}")
        add_member(actor, owner.customer_id, email=f"new{person.pk}@example.com", role="viewer")
    assert len(told(browser, kind="keys")) == 2
    assert [text.split(" ")[0] for text in told(browser, who=colleague.user.public_id)] == ["Ada", "Ada"]
    assert told(browser, kind="keys", who=colleague.user.public_id) == ["Ada created the key “of Ada”"]
    assert told(browser, kind="tokens") == []
    assert told(browser, who="portal") == []


def test_days_are_the_readers(browser: Client, owner: Membership) -> None:
    browser.cookies["timezone"] = "Asia/Tokyo"
    for instant in (
        "2026-03-09T14:59:59",
        "2026-03-09T15:00:00",
        "2026-03-10T14:59:59",
        "2026-03-10T15:00:00",
    ):
        store(owner, 1, at=datetime.fromisoformat(f"{instant}+00:00"))
    answer = browser.get("/activity?since=2026-03-10&until=2026-03-10")
    assert [entry.at.isoformat()[8:19] for entry in answer.context["entries"]] == [
        "10T14:59:59",
        "09T15:00:00",
    ]
    assert "10 Mar 2026, 23:59 JST" in answer.content.decode()
    assert len(told(browser, since="2026-03-10")) == 3
    assert len(told(browser, until="2026-03-10")) == 3
    assert told(browser, since="2026-03-12") == []


def test_entries_stored_out_of_order_are_found_by_their_days(browser: Client, owner: Membership) -> None:
    """Another host's clock is behind: its entry is stored later and dated earlier."""
    noon = datetime.fromisoformat("2026-03-10T00:00:30+00:00")
    store(owner, 1, at=noon)
    store(owner, 1, at=noon - timedelta(seconds=40))
    assert len(told(browser, since="2026-03-10", until="2026-03-10")) == 1
    assert len(told(browser, until="2026-03-09")) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "valid date"),
        ("since=0001-01-01", "2000"),
        ("until=9999-12-31", "2200"),
        ("since=2026-03-10&until=2026-03-09", "before the first day"),
        ("kind=nonsense", "nonsense"),
        ("who=usr_stranger", "usr_stranger"),
        ("who=%00", ""),
    ],
)
def test_a_filter_that_makes_no_sense_shows_nothing_and_says_why(
    browser: Client, owner: Membership, query: str, words: str
) -> None:
    store(owner, 1)
    answer = browser.get(f"/activity?{query}")
    assert answer.status_code == 200
    assert answer.context["entries"] == []
    assert words in answer.content.decode()
    assert "This filter can't be read" in answer.content.decode()
    export = browser.get(f"/activity.csv?{query}")
    assert (export.status_code, export.headers["Location"]) == (302, f"/activity?{query}")


def test_older_pages_reach_every_entry_once_and_keep_the_filter(browser: Client, owner: Membership) -> None:
    events = store(owner, 2 * page.PAGE + 10)
    store(owner, 3, action="member.added")
    seen: list[str] = []
    url = "/activity?kind=keys"
    for _ in range(3):
        answer = browser.get(url)
        seen += [entry.event.public_id for entry in answer.context["entries"]]
        url = answer.context["older_url"]
        assert not url or "kind=keys" in url
    assert url == ""
    assert answer.context["newest_url"] == "/activity?kind=keys"
    assert seen == [event.public_id for event in reversed(events)]


@pytest.mark.parametrize("place", ["evt_x", "%00", "1"])
def test_an_unknown_place_is_not_found(browser: Client, place: str) -> None:
    assert browser.get(f"/activity?before={place}").status_code == 404


def test_a_filtered_page_looks_through_so_many_entries_and_goes_on(
    browser: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LOOKED_THROUGH", 10)
    (rare,) = store(owner, 1, action="member.added")
    store(owner, 25)
    seen, url, pages = [], "/activity?kind=team", 0
    while url:
        answer = browser.get(url)
        assert not answer.context["entries"] or pages == 2
        seen += [entry.event for entry in answer.context["entries"]]
        url, pages = answer.context["older_url"], pages + 1
    assert (seen, pages) == ([rare], 3)
    assert "Look further back" in browser.get("/activity?kind=team").content.decode()


def test_the_page_costs_the_same_however_much_it_shows(
    browser: Client, owner: Membership, make_key: MakeKey, django_assert_max_num_queries: Any
) -> None:
    tokens = [
        create_access_token(SYSTEM, owner=owner.user, scopes=["keys:read"], customer=owner.customer)[0]
        for _ in range(3)
    ]
    actors: list[Actor] = [SYSTEM, actor_of_user(owner.user), *map(actor_of_token, tokens)]
    for number in range(3 * page.PAGE):
        store(owner, 1, actor=actors[number % 5].identity, object=make_key().public_id if number < 5 else "x")
    event = AuditEvent.objects.order_by("-id")[10]
    day = event.at.date().isoformat()
    browser.get("/activity")
    with django_assert_max_num_queries(BUDGET):
        answer = browser.get(
            f"/activity?before={event.public_id}&who=portal&kind=keys&since={day}&until={day}"
        )
    assert answer.context["entries"]
    with django_assert_max_num_queries(BUDGET):
        assert len(browser.get("/activity").context["entries"]) == page.PAGE


def test_a_new_customers_page_says_what_will_be_here(owner: Membership) -> None:
    fresh = sign_in(MembershipFactory(customer=CustomerFactory()).user)
    assert "Nothing has happened yet" in fresh.get("/activity").content.decode()


def test_the_log_is_only_read(browser: Client) -> None:
    for path in ("/activity", "/activity.csv"):
        assert browser.post(path).status_code == 405


def test_an_action_of_a_later_version_is_told_too(browser: Client, owner: Membership) -> None:
    store(owner, 1, action="key.teleported")
    assert "no words for" in told(browser)[0]
