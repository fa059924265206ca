"""``/dashboard``: what a customer's people see first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.ids import new_id
from portal.jobs.run import run_inline
from portal.models import DailyUse, Invitation, IssuedKey, Membership, Plan, PlanRequest
from portal.services.actors import actor_of_user
from portal.services.keys.reveal import reveal_key
from portal.services.keys.rotate import rotate_key
from portal.web.dashboard import facts
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory
from tests.web.conftest import sign_in
from tests.web.test_activity import store

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]
BUDGET = 12


def rows(owner: Membership, clock: Clock, count: int, **values: Any) -> list[IssuedKey]:
    first = IssuedKey.objects.count()
    return IssuedKey.objects.bulk_create(
        IssuedKey(**{
            "customer": owner.customer, "user": owner.user, "name": f"key {first + n}", "plugin": "jwt",
            "status": "active", "activated_at": clock() - timedelta(days=80),
            "fingerprint": f"{first + n:064}", "revealed_at": clock() - timedelta(days=80), **values,
        })
        for n in range(count)
    )  # fmt: skip


def labels(browser: Client) -> list[str]:
    return [item.label for item in browser.get("/dashboard").context["items"]]


def words(browser: Client) -> str:
    return " ".join(browser.get("/dashboard").content.decode().split())


def test_anonymous_people_sign_in_first() -> None:
    answer = Client().get("/dashboard")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/dashboard")


def test_a_new_customer_sees_the_first_steps_and_that_all_is_well(browser: Client) -> None:
    page = words(browser)
    assert "All is well." in page
    assert "There is nothing to look after yet." in page
    for step in ("Create a key", "Reveal its secret", "Call the API", "Invite a colleague"):
        assert step in page
    assert "None in the last 30 days." in page


def test_first_steps_are_ticked_off_and_vanish_when_all_are_done(
    browser: Client, owner: Membership, make_key: MakeKey
) -> None:
    def done() -> list[bool]:
        return [step.done for step in browser.get("/dashboard").context["steps"]]

    assert done() == [False, False, False, False]
    key = make_key()
    assert done() == [True, False, False, False]
    reveal_key(actor_of_user(owner.user), key.pk)
    assert done() == [True, True, False, False]
    MembershipFactory(customer=owner.customer, role="viewer")
    assert done() == [True, True, False, True]
    IssuedKey.objects.update(last_used_at=key.created_at)
    assert done() == []


def test_first_steps_vanish_a_week_after_the_first_secret_though_no_call_was_seen(
    browser: Client, owner: Membership, make_key: MakeKey, clock: Clock
) -> None:
    key = make_key()
    reveal_key(actor_of_user(owner.user), key.pk)
    clock.advance(days=6, hours=23)
    assert browser.get("/dashboard").context["steps"]
    clock.advance(hours=2)
    assert not browser.get("/dashboard").context["steps"]


def test_who_only_looks_has_no_steps_to_take_and_sees_keys_instead_of_the_log(
    owner: Membership, make_key: MakeKey
) -> None:
    make_key("Production")
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    page = words(viewer)
    assert "First steps" not in page
    assert "New key" not in page
    assert "Recent activity" not in page
    assert "Latest keys" in page
    assert ">Production</a>" in page
    developer = sign_in(MembershipFactory(customer=owner.customer, role="developer").user)
    assert "Invite a colleague" not in words(developer)


def test_recent_activity_is_told_in_words(browser: Client, owner: Membership) -> None:
    store(owner, 10)
    recent = browser.get("/dashboard").context["recent"]
    assert len(recent) == 8
    assert recent[0].text.startswith(f"{owner.user.name} revealed the secret of the key")


def test_the_plan_and_its_limit_are_shown(browser: Client, owner: Membership, clock: Clock) -> None:
    SubscriptionFactory(
        customer=owner.customer, plan=PlanFactory(name="Growth", max_keys=3, max_lifetime="90d")
    )
    rows(owner, clock, 2)
    page = words(browser)
    assert "Growth" in page
    assert "2 of 3 keys in use" in page
    assert '<rect width="67"' in page
    assert "90 days" in page
    rows(owner, clock, 1)
    assert "No more keys fit." in words(browser)


def test_a_plan_that_needs_a_subscription_says_so(browser: Client) -> None:

    Plan.objects.update(requires_subscription=True)
    assert "no subscription yet" in words(browser)


def test_keys_by_state_lead_to_their_list(browser: Client, owner: Membership, clock: Clock) -> None:
    rows(owner, clock, 3)
    rows(owner, clock, 2, expires_at=clock() - timedelta(hours=1))
    rows(owner, clock, 1, status="failed")
    states = {state.url: state.number for state in browser.get("/dashboard").context["states"]}
    assert states == {"/keys?status=active": "3", "/keys?status=expired": "2", "/keys?status=failed": "1"}


def test_many_keys_are_counted_up_to_a_bound(
    browser: Client, owner: Membership, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "COUNTED", 3)
    monkeypatch.setattr("portal.web.dashboard.page.COUNTED", 3)
    rows(owner, clock, 5)
    answer = browser.get("/dashboard")
    assert answer.context["states"][0].number == "3+"
    assert answer.context["in_use"] == "3+"


@pytest.mark.parametrize(
    ("lived", "left", "warned"),
    [
        (60, 30, True),
        (60, 31, False),
        (59, 30, False),
        (14, 7, True),
        (0, 30, False),
        (2, 1, True),
        (100, 0.1, True),
    ],
)
def test_a_key_that_ends_is_announced_when_it_has_lived_twice_as_long(
    browser: Client, owner: Membership, clock: Clock, lived: float, left: float, warned: bool
) -> None:
    rows(
        owner,
        clock,
        1,
        activated_at=clock() - timedelta(days=lived),
        expires_at=clock() + timedelta(days=left),
    )
    assert labels(browser) == (["Expires"] if warned else [])


def test_a_key_with_a_successor_needs_none(browser: Client, owner: Membership, clock: Clock) -> None:
    (key,) = rows(owner, clock, 1, expires_at=clock() + timedelta(days=5))
    assert labels(browser) == ["Expires"]
    (failed,) = rows(owner, clock, 1, status="failed", activated_at=None, rotated_from=key, fingerprint=None)
    assert "Expires" in labels(browser)
    IssuedKey.objects.filter(pk=failed.pk).update(status="requested")
    assert labels(browser) == []


def test_an_ending_key_leads_to_its_rotation_for_who_may(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    (key,) = rows(owner, clock, 1, expires_at=clock() + timedelta(days=5))
    assert f'href="/keys/{key.public_id}/rotate"' in words(browser)
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    assert f'href="/keys/{key.public_id}/rotate"' not in words(viewer)
    assert labels(viewer) == ["Expires"]


def test_an_unrevealed_secret_is_announced_until_it_is_revealed(
    browser: Client, owner: Membership, make_key: MakeKey, clock: Clock
) -> None:
    key = make_key("Production")
    assert "Nobody has revealed the secret of “Production”. It is erased in 7 days." in words(browser)
    reveal_key(actor_of_user(owner.user), key.pk)
    assert labels(browser) == []


def test_an_overlap_that_ends_soon_is_announced(
    browser: Client, owner: Membership, make_key: MakeKey, clock: Clock
) -> None:
    key = make_key("Production")
    actor = actor_of_user(owner.user)
    reveal_key(actor, key.pk)
    operation = rotate_key(actor, key.pk, overlap=timedelta(hours=72))
    run_inline(operation)
    assert operation.key_id is not None
    reveal_key(actor, operation.key_id)
    assert labels(browser) == []
    clock.advance(hours=24)
    assert labels(browser) == ["Overlap ends"]
    clock.advance(hours=49)
    assert "Overlap ends" not in labels(browser)


def test_what_stopped_and_what_failed_lately_is_announced(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    rows(
        owner, clock, 1, status="needs_attention", activated_at=None, created_at=clock() - timedelta(days=60)
    )
    rows(owner, clock, 1, status="failed", activated_at=None, created_at=clock() - timedelta(days=6))
    rows(owner, clock, 1, status="failed", activated_at=None, created_at=clock() - timedelta(days=8))
    assert labels(browser) == ["Stopped", "Failed"]


def test_the_most_urgent_comes_first(browser: Client, owner: Membership, clock: Clock) -> None:
    rows(owner, clock, 1, name="later", expires_at=clock() + timedelta(days=6))
    rows(owner, clock, 1, name="stopped", status="needs_attention", activated_at=None)
    rows(owner, clock, 1, name="second", expires_at=clock() + timedelta(hours=30))
    rows(owner, clock, 1, name="first", retires_at=clock() + timedelta(hours=20))
    items = browser.get("/dashboard").context["items"]
    assert [item.words.split("“")[1].split("”")[0] for item in items] == [
        "first",
        "second",
        "stopped",
        "later",
    ]


@pytest.mark.parametrize(("status", "told"), [("approved", "was approved"), ("declined", "was declined")])
def test_the_answer_to_a_request_is_told_for_a_week(
    browser: Client, owner: Membership, clock: Clock, status: str, told: str
) -> None:
    PlanRequest.objects.create(
        customer=owner.customer, plan=PlanFactory(name="Business"), status=status, decided_at=clock(),
        answer="As <b>agreed</b>.",
    )  # fmt: skip
    page = words(browser)
    assert f"“Business” {told}" in page
    assert "As &lt;b&gt;agreed&lt;/b&gt;." in page
    clock.advance(days=8)
    assert told not in words(browser)


def test_invitations_that_end_soon_are_told_to_those_who_invite(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    for number, hours in enumerate((-1, 47, 49)):
        Invitation.objects.create(
            customer=owner.customer,
            email=f"i{number}@example.com",
            expires_at=clock() + timedelta(hours=hours),
        )
    assert "1 invitation expires within 48 hours." in words(browser)
    developer = sign_in(MembershipFactory(customer=owner.customer, role="developer").user)
    assert labels(developer) == []


def test_all_is_not_well_while_the_customer_is_suspended(browser: Client, owner: Membership) -> None:
    owner.customer.status = "suspended"
    owner.customer.save()
    page = words(browser)
    assert "Nothing beyond what is said above." in page
    assert not [word for word in ("All is well", "First steps", "New key") if word in page]


def test_nothing_of_another_customer_shows(browser: Client, owner: Membership, clock: Clock) -> None:
    other = MembershipFactory(user=UserFactory(name="Zoe Zulu"), customer=CustomerFactory(name="Zulu"))
    rows(other, clock, 2, name="theirs", expires_at=clock() + timedelta(days=1))
    store(other, 2)
    DailyUse.objects.create(customer=other.customer, day=clock().date(), verifications=7_654_321)
    answer = browser.get("/dashboard")
    assert not [
        word for word in ("theirs", "Zulu", "7,654,321", "7654321") if word in answer.content.decode()
    ]
    assert answer.context["items"] == []
    assert [chart.total for chart in answer.context["charts"]] == [0, 0]


def test_the_charts_count_days_of_the_reader_and_verifications(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    clock.at = clock.at.replace(hour=20)
    browser.cookies["timezone"] = "Asia/Tokyo"
    today = clock().date()
    rows(owner, clock, 2, activated_at=clock() - timedelta(hours=6))  # 14:00 UTC is 23:00 in Tokyo: a day ago
    rows(owner, clock, 1, activated_at=clock() - timedelta(hours=4))  # 01:00
    rows(owner, clock, 1, activated_at=clock() - timedelta(days=31))
    DailyUse.objects.create(customer=owner.customer, day=today, verifications=1234)
    DailyUse.objects.create(customer=owner.customer, day=today - timedelta(days=30), verifications=5)
    answer = browser.get("/dashboard")
    issued, verified = answer.context["charts"]
    assert [bar.number for bar in issued.bars[-2:]] == ["2", "1"]
    assert issued.bars[-1].day == today + timedelta(days=1)
    assert (issued.total, verified.total) == (3, 1234)
    assert verified.bars[-1].day == today
    page = " ".join(answer.content.decode().split())
    assert "1,234" in page
    assert " style=" not in page


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_the_page_costs_the_same_at_any_size(
    owner: Membership, clock: Clock, django_assert_max_num_queries: Any, role: str
) -> None:
    browser = sign_in(MembershipFactory(customer=owner.customer, role=role).user)
    browser.get("/dashboard")
    with django_assert_max_num_queries(BUDGET):
        browser.get("/dashboard")
    rows(owner, clock, 60, expires_at=clock() + timedelta(days=5))
    rows(owner, clock, 60, sealed_secret="s", revealed_at=None, activated_at=clock())
    rows(owner, clock, 60, retires_at=clock() + timedelta(hours=5))
    for status in ("needs_attention", "failed", "revoked", "requested"):
        ended = {"revoked_at": clock()} if status == "revoked" else {}
        rows(owner, clock, 20, status=status, **ended)
    store(owner, 60)
    store(owner, 3, object=new_id("usr"), action="member.added")
    for number in range(30):
        DailyUse.objects.create(
            customer=owner.customer, day=clock().date() - timedelta(days=number), verifications=number
        )
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=100))
    with django_assert_max_num_queries(BUDGET):
        answer = browser.get("/dashboard")
    assert len(answer.context["items"]) == 5 * 4
