"""The catalogue, and asking for another plan."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import IssuedKey, Membership, Plan, PlanRequest
from portal.services.plan_requests import approve_plan_request, ask_for_plan, decline_plan_request
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]


def asked(owner: Membership, plan: Plan) -> PlanRequest:
    return ask_for_plan(SYSTEM, owner.customer_id, plan=plan.slug, asked_by=owner.user)


def ask(client: Client, owner: Membership, plan: Plan, note: str = "") -> Any:
    return client.post(
        f"/plans/{plan.slug}/ask", {"customer": owner.customer.public_id, "note": note}
    )  # fmt: skip


def page(client: Client) -> str:
    return client.get("/plans").content.decode()


def test_the_catalogue_shows_listed_plans_alone(browser: Client) -> None:
    PlanFactory(name="Pro", description="For production.", max_keys=20, max_lifetime="90d", scopes=["a:b"])
    PlanFactory(name="Secret deal", listed=False)
    shown = page(browser)
    for words in ("Pro", "For production.", "20 keys at most", "90 days", "a:b", "Ask for Pro"):
        assert words in shown
    assert "Secret deal" not in shown


def test_the_own_plan_is_marked_also_when_it_is_not_listed(
    browser: Client, owner: Membership, make_key: MakeKey
) -> None:
    deal = PlanFactory(name="Special deal", listed=False, max_keys=3)
    SubscriptionFactory(customer=owner.customer, plan=deal)
    make_key()
    answer = browser.get("/plans")
    assert answer.context["current"].plan == deal
    assert "1 of 3 keys in use" in answer.content.decode()
    assert f"/plans/{deal.slug}/ask" not in answer.content.decode()


def test_an_owner_asks_once_however_often_it_is_sent(browser: Client, owner: Membership) -> None:
    pro = PlanFactory(name="Pro")
    for _ in range(2):
        answer = ask(browser, owner, pro, "for production")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/plans")
    request = PlanRequest.objects.get()
    assert (request.plan, request.note, request.asked_by) == (pro, "for production", owner.user)
    shown = page(browser)
    assert "You asked for “Pro”." in shown
    assert "/ask" not in shown


def test_another_plan_waits_until_the_first_is_answered(browser: Client, owner: Membership) -> None:
    asked(owner, PlanFactory(name="Pro"))
    answer = ask(browser, owner, PlanFactory())
    assert answer.status_code == 409
    assert "You asked for “Pro” before." in answer.content.decode()


def test_a_note_has_its_limits(browser: Client, owner: Membership) -> None:
    assert ask(browser, owner, PlanFactory(), "x" * 501).status_code == 422
    assert not PlanRequest.objects.exists()


def test_too_many_keys_for_the_plan_are_told_of(browser: Client, make_key: MakeKey) -> None:
    small = PlanFactory(max_keys=1)
    make_key("one")
    make_key("two")
    assert "you use 2" in browser.get(f"/plans/{small.slug}/ask").content.decode()


@pytest.mark.parametrize("role", ["viewer", "developer"])
def test_who_may_not_manage_looks_and_asks_for_nothing(owner: Membership, role: str) -> None:
    plan, request = PlanFactory(), asked(owner, PlanFactory(name="Pro"))
    client = sign_in(MembershipFactory(customer=owner.customer, role=role).user)
    shown = page(client)
    assert "You asked for “Pro”." in shown
    assert "/ask" not in shown
    assert "/withdraw" not in shown
    assert client.get(f"/plans/{plan.slug}/ask").status_code == 403
    assert ask(client, owner, plan).status_code == 403
    assert client.post(f"/plans/requests/{request.public_id}/withdraw").status_code == 403
    assert PlanRequest.objects.open().get() == request


def test_an_admin_asks_and_withdraws(owner: Membership) -> None:
    admin, plan = sign_in(MembershipFactory(customer=owner.customer, role="admin").user), PlanFactory()
    ask(admin, owner, plan)
    request = PlanRequest.objects.get()
    for _ in range(2):
        answer = admin.post(f"/plans/requests/{request.public_id}/withdraw")
        assert answer.headers["Location"] == "/plans"
    request.refresh_from_db()
    assert request.status == "withdrawn"
    assert "You asked for" not in page(admin)


def test_a_stranger_asks_for_nobody_else_and_sees_no_request(owner: Membership) -> None:
    plan, request = PlanFactory(), asked(owner, PlanFactory(name="Pro"))
    stranger = sign_in(MembershipFactory().user)
    assert "You asked for" not in page(stranger)
    assert ask(stranger, owner, plan).status_code == 404
    assert stranger.post(f"/plans/requests/{request.public_id}/withdraw").status_code == 404
    request.refresh_from_db()
    assert request.status == "asked"


@pytest.mark.parametrize("path", ["/plans", "/plans/default/ask"])
def test_anonymous_people_are_asked_to_sign_in(path: str) -> None:
    assert Client().get(path).headers["Location"] == f"/accounts/login/?next={path}"


def test_nothing_is_changed_by_looking(browser: Client, owner: Membership) -> None:
    request = asked(owner, PlanFactory())
    assert browser.get(f"/plans/requests/{request.public_id}/withdraw").status_code == 405
    assert browser.get(f"/plans/{PlanFactory().slug}/ask").status_code == 200
    assert PlanRequest.objects.get() == request


def test_a_plan_that_is_not_offered_is_not_there(browser: Client, owner: Membership) -> None:
    hidden = PlanFactory(listed=False)
    assert browser.get(f"/plans/{hidden.slug}/ask").status_code == 404
    assert ask(browser, owner, hidden).status_code == 404


def test_the_answer_is_shown_with_its_reason_until_the_next_request(
    browser: Client, owner: Membership
) -> None:
    pro = PlanFactory(name="Pro")
    decline_plan_request(SYSTEM, asked(owner, pro).pk, answer="Only from <May> on.")
    shown = page(browser)
    assert "“Pro” was declined" in shown
    assert "Only from &lt;May&gt; on." in shown
    approve_plan_request(SYSTEM, asked(owner, pro).pk, "Enjoy it.")
    shown = page(browser)
    assert "“Pro” was approved" in shown
    assert "Enjoy it." in shown
    assert "declined" not in shown


def test_many_plans_are_shown_page_by_page(browser: Client, django_assert_max_num_queries: Any) -> None:
    PlanFactory.create_batch(60, scopes=[f"scope:{n}" for n in range(40)])
    seen, url = [], "/plans"
    while url:
        with django_assert_max_num_queries(12):
            answer = browser.get(url)
        assert len(answer.content) < 100_000
        seen += [offer.plan.slug for offer in answer.context["offers"]]
        url = answer.context["next_url"]
    assert len(seen) == len(set(seen)) == 60
    assert browser.get("/plans?after=nothing").status_code == 404
