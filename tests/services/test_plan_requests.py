from collections.abc import Callable
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict, Invalid, NotFound
from portal.models import AuditEvent, IssuedKey, Membership, Notice, Plan, PlanRequest, Subscription
from portal.services.actors import actor_of_user
from portal.services.audit import broken_entries
from portal.services.customers import delete_customer, update_customer
from portal.services.keys.request import request_key
from portal.services.plan_requests import (
    approve_plan_request,
    ask_for_plan,
    decline_plan_request,
    withdraw_plan_request,
)
from portal.services.plans import effective_plan
from tests.factories import PlanFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db


def ask(owner: Membership, plan: Plan, note: str = "") -> PlanRequest:
    actor = actor_of_user(owner.user)
    return ask_for_plan(actor, owner.customer_id, plan=plan.slug, asked_by=owner.user, note=note)


def test_asking_twice_for_a_plan_is_asking_once(owner: Membership) -> None:
    plan = PlanFactory()
    assert ask(owner, plan, "soon") == ask(owner, plan, "sooner")
    assert PlanRequest.objects.get().note == "soon"
    assert AuditEvent.objects.filter(action="plan_request.created").count() == 1


def test_one_plan_is_asked_for_at_a_time(owner: Membership) -> None:
    first = ask(owner, PlanFactory(name="Pro"))
    with pytest.raises(Conflict, match="“Pro”") as refusal:
        ask(owner, PlanFactory())
    assert refusal.value.code == "plan_request_open"
    withdraw_plan_request(SYSTEM, first.pk)
    ask(owner, PlanFactory())
    assert PlanRequest.objects.open().count() == 1


def test_an_unlisted_plan_is_not_there(owner: Membership) -> None:
    with pytest.raises(NotFound):
        ask(owner, PlanFactory(listed=False))


def test_the_present_plan_is_not_asked_for(owner: Membership) -> None:
    with pytest.raises(Conflict) as refusal:
        ask(owner, Plan.objects.get(slug="default"))
    assert refusal.value.code == "already_on_plan"


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_customer_that_gets_nothing_asks_for_nothing(owner: Membership, status: str) -> None:
    update_customer(SYSTEM, owner.customer_id, {"status": status})
    with pytest.raises(Conflict) as refusal:
        ask(owner, PlanFactory())
    assert refusal.value.code == "customer_not_active"


def test_approving_changes_the_live_subscription(owner: Membership) -> None:
    subscription, pro = SubscriptionFactory(customer=owner.customer), PlanFactory(name="Pro")
    request = approve_plan_request(SYSTEM, ask(owner, pro).pk, " Welcome. ")
    assert effective_plan(owner.customer) == (pro, subscription)
    assert (request.status, request.answer) == ("approved", "Welcome.")
    notice = Notice.objects.get(customer=owner.customer)
    assert (notice.kind, notice.detail) == ("plan_approved", {"plan": "Pro", "reason": "Welcome."})
    assert AuditEvent.objects.filter(action="plan_request.approved", object=request.public_id).exists()
    assert not list(broken_entries())


def test_approving_makes_a_subscription_where_there_is_none(owner: Membership) -> None:
    SubscriptionFactory(customer=owner.customer, status="cancelled")
    pro = PlanFactory()
    approve_plan_request(SYSTEM, ask(owner, pro).pk)
    assert effective_plan(owner.customer)[0] == pro
    assert Subscription.objects.filter(customer=owner.customer).count() == 2


def test_keys_that_exist_stay_when_the_new_plan_allows_fewer(
    owner: Membership, issue: Callable[..., dict[str, Any]]
) -> None:
    for name in ("one", "two"):
        issue(name=name)
    approve_plan_request(SYSTEM, ask(owner, PlanFactory(max_keys=1)).pk)
    assert set(IssuedKey.objects.values_list("status", flat=True)) == {"active"}
    with pytest.raises(Conflict) as refusal:
        request_key(SYSTEM, owner.customer_id, user=owner.user, name="three")
    assert refusal.value.code == "key_limit_reached"


def test_declining_needs_a_reason_and_changes_no_plan(owner: Membership) -> None:
    request = ask(owner, PlanFactory(name="Pro"))
    with pytest.raises(Invalid):
        decline_plan_request(SYSTEM, request.pk, answer="  ")
    decline_plan_request(SYSTEM, request.pk, answer="Ask again in May.")
    assert effective_plan(owner.customer)[0].slug == "default"
    assert Notice.objects.get().detail == {"plan": "Pro", "reason": "Ask again in May."}


def test_an_answer_is_final(owner: Membership) -> None:
    request = ask(owner, PlanFactory())
    decline_plan_request(SYSTEM, request.pk, answer="No.")
    for change in (
        lambda: approve_plan_request(SYSTEM, request.pk),
        lambda: decline_plan_request(SYSTEM, request.pk, answer="No."),
        lambda: withdraw_plan_request(SYSTEM, request.pk),
    ):
        with pytest.raises(Conflict) as refusal:
            change()
        assert refusal.value.code == "plan_request_decided"
    assert Notice.objects.count() == 1


def test_a_deleted_customer_leaves_no_request_and_no_reason(owner: Membership) -> None:
    update_customer(SYSTEM, owner.customer_id, {"status_reason": "Ada's invoice is open."})
    ask(owner, PlanFactory(), "Call Ada.")
    delete_customer(SYSTEM, owner.customer_id)
    assert not PlanRequest.objects.exists()
    owner.customer.refresh_from_db()
    assert owner.customer.status_reason == ""


def test_a_withdrawn_request_is_withdrawn_again_and_never_approved(owner: Membership) -> None:
    request = ask(owner, PlanFactory())
    for _ in range(2):
        assert withdraw_plan_request(SYSTEM, request.pk).status == "withdrawn"
    with pytest.raises(Conflict):
        approve_plan_request(SYSTEM, request.pk)
    assert AuditEvent.objects.filter(action="plan_request.withdrawn").count() == 1
    assert effective_plan(owner.customer)[0].slug == "default"
