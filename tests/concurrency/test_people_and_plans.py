"""Customers' people press a button many times, or several at once: it happens once, and rules hold."""

from collections.abc import Callable

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.models import Customer, ManagementToken, Membership, Notice, PlanRequest, Subscription, User
from portal.services.actors import actor_of_user
from portal.services.leaving import delete_account
from portal.services.plan_requests import approve_plan_request, ask_for_plan, decline_plan_request
from tests.concurrency.test_limits import together
from tests.factories import MembershipFactory, PlanFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def another(client: Client) -> Client:
    """A second tab of the same browser."""
    tab = Client()
    tab.cookies = client.cookies
    return tab


def refused(change: Callable[[], object]) -> str:
    """The code of what was said to it; empty when it was done."""
    try:
        change()
    except Conflict as refusal:
        return refusal.code
    return ""


def test_many_requests_for_plans_leave_one_open(owner: Membership) -> None:
    plans = PlanFactory.create_batch(2)
    client = sign_in(owner.user)

    def ask(number: int) -> int:
        form = {"customer": owner.customer.public_id, "note": ""}
        return another(client).post(f"/plans/{plans[number % 2].slug}/ask", form).status_code

    answers = together(10, ask)
    assert set(answers) == {302, 409}
    assert PlanRequest.objects.count() == 1


def test_a_request_is_decided_once(owner: Membership) -> None:
    plan = PlanFactory()
    request = ask_for_plan(SYSTEM, owner.customer_id, plan=plan.slug, asked_by=owner.user)

    def decide(number: int) -> str:
        if number % 2:
            return refused(lambda: approve_plan_request(SYSTEM, request.pk))
        return refused(lambda: decline_plan_request(SYSTEM, request.pk, answer="No."))

    answers = together(8, decide)
    assert sorted(answers) == ["", *["plan_request_decided"] * 7]
    request.refresh_from_db()
    assert Notice.objects.count() == 1
    assert Subscription.objects.count() == (request.status == "approved")


def test_one_form_makes_one_access_token(owner: Membership) -> None:
    client = sign_in(owner.user)
    initial = client.get("/settings/tokens/new").context["form"].initial
    form = {**initial, "name": "deploy", "scopes": ["keys:read"], "expires": "30"}
    answers = together(8, lambda n: another(client).post("/settings/tokens/new", form).status_code)
    assert sorted(answers) == [200, *[410] * 7]
    assert ManagementToken.objects.count() == 1


def test_an_account_is_deleted_once_however_often_it_is_asked_for(owner: Membership) -> None:
    user, actor = owner.user, actor_of_user(owner.user)
    assert together(4, lambda n: refused(lambda: delete_account(actor, user))) == [""] * 4
    assert not User.objects.exists()
    assert Customer.objects.get().deleted_at is not None


def test_two_owners_who_leave_at_once_leave_one(owner: Membership) -> None:
    second = MembershipFactory(customer=owner.customer)
    MembershipFactory(customer=owner.customer, role="viewer")
    people = [owner.user, second.user]
    actors = [actor_of_user(user) for user in people]
    answers = together(2, lambda n: refused(lambda: delete_account(actors[n], people[n])))
    assert sorted(answers) == ["", "last_owner"]
    assert Membership.objects.filter(customer=owner.customer, role="owner").count() == 1
