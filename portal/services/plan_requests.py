"""A customer's wish for another plan: asked for, withdrawn, approved, declined. One is open at a time."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, Invalid, NotFound
from portal.models import Customer, Notice, Plan, PlanRequest, User
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.plans import effective_plan
from portal.services.subscriptions import create_subscription, update_subscription
from portal.services.telling import tell_customer

Status = PlanRequest.Status


def ask_for_plan(actor: Actor, customer_id: int, *, plan: str, asked_by: User, note: str = "") -> PlanRequest:
    """Ask staff for the listed plan of that slug. Asking again for the same one changes nothing.

    Raises ``Conflict`` while another plan is asked for and for the plan that the customer is on.
    """
    with transaction.atomic():
        customer = lock_customer(customer_id)
        _check_may_ask(customer)
        wanted = Plan.objects.filter(slug=plan, listed=True).first()
        if wanted is None:
            raise NotFound("plan")
        if effective_plan(customer)[0] == wanted:
            raise Conflict("already_on_plan", _("You are on this plan already. Nothing was asked for."))
        waiting = PlanRequest.objects.open().filter(customer=customer).select_related("plan").first()
        if waiting is not None and waiting.plan != wanted:
            raise Conflict(
                "plan_request_open",
                _("You asked for “%(plan)s” before. Withdraw that first. Nothing was asked for.")
                % {"plan": waiting.plan.name},
            )
        if waiting is not None:
            return waiting
        request = PlanRequest.objects.create(customer=customer, plan=wanted, asked_by=asked_by, note=note)
        record(actor, Action.PLAN_REQUESTED, request.public_id, customer=customer, plan=wanted.slug)
    return request


def withdraw_plan_request(actor: Actor, request_id: int) -> PlanRequest:
    """Take back a request that nobody decided on yet. Repeating it changes nothing."""
    with transaction.atomic():
        request = _locked(request_id)
        if request.status == Status.WITHDRAWN:
            return request
        _decide(request, Status.WITHDRAWN, "")
        record(actor, Action.PLAN_REQUEST_WITHDRAWN, request.public_id, customer=request.customer)
    return request


def approve_plan_request(actor: Actor, request_id: int, answer: str = "") -> PlanRequest:
    """Put the customer on the plan: its live subscription changes, or it gets one. Keys stay as they are."""
    with transaction.atomic():
        request = _locked(request_id)
        _decide(request, Status.APPROVED, answer)
        _put_on(actor, request.customer, request.plan)
        _tell(actor, request, Action.PLAN_REQUEST_APPROVED, Notice.Kind.PLAN_APPROVED)
    return request


def decline_plan_request(actor: Actor, request_id: int, *, answer: str) -> PlanRequest:
    """Leave the customer on its plan; ``answer`` says why and is shown to it."""
    if not answer.strip():
        raise Invalid.field("answer", "say why: the customer reads it")
    with transaction.atomic():
        request = _locked(request_id)
        _decide(request, Status.DECLINED, answer)
        _tell(actor, request, Action.PLAN_REQUEST_DECLINED, Notice.Kind.PLAN_DECLINED)
    return request


def _check_may_ask(customer: Customer) -> None:
    if customer.status in (Customer.Status.SUSPENDED, Customer.Status.CLOSED):
        raise Conflict(
            "customer_not_active",
            _("A customer that is suspended or closed can't change its plan. Nothing was asked for."),
        )


def _locked(request_id: int) -> PlanRequest:
    """The request, which its customer's lock guards."""
    found = PlanRequest.objects.filter(pk=request_id).first()
    if found is None:
        raise NotFound("plan request")
    customer = lock_customer(found.customer_id)
    request = PlanRequest.objects.select_related("plan").get(pk=request_id)
    request.customer = customer
    return request


def _decide(request: PlanRequest, status: PlanRequest.Status, answer: str) -> None:
    if request.status != Status.ASKED:
        raise Conflict(
            "plan_request_decided",
            _("This request was answered or withdrawn before. Nothing was changed."),
        )
    request.status, request.answer, request.decided_at = status, answer.strip(), now()
    request.save(update_fields=["status", "answer", "decided_at"])


def _put_on(actor: Actor, customer: Customer, plan: Plan) -> None:
    _plan, subscription = effective_plan(customer, lock=True)
    if subscription is None:
        create_subscription(actor, customer.pk, plan=plan)
    else:
        update_subscription(actor, subscription.pk, {"plan": plan})


def _tell(actor: Actor, request: PlanRequest, action: Action, kind: Notice.Kind) -> None:
    detail: dict[str, Any] = {"plan": request.plan.name, "reason": request.answer}
    tell_customer(request.customer, kind, **detail)
    record(actor, action, request.public_id, customer=request.customer, plan=request.plan.slug)
