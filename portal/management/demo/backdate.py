"""Instants that the database sets by its own clock, put to when the audit log says it was."""

import random
from datetime import datetime, timedelta

from portal.models import AuditEvent, Customer, Membership, Plan, Subscription, User
from portal.services.audit import Action


def date_as_logged(dice: random.Random, ends_at: datetime) -> None:
    """Creation dates from the log; sign-ins from what people did."""
    for event in AuditEvent.objects.order_by("id"):
        match event.action:
            case Action.CUSTOMER_CREATED:
                Customer.objects.filter(public_id=event.object).update(created_at=event.at)
            case Action.USER_CREATED:
                User.objects.filter(public_id=event.object).update(date_joined=event.at)
            case Action.MEMBER_ADDED:
                members = Membership.objects.filter(customer=event.customer, user__public_id=event.object)
                members.update(created_at=event.at)
            case Action.SUBSCRIPTION_CREATED:
                Subscription.objects.filter(public_id=event.object).update(created_at=event.at)
            case Action.PLAN_CREATED:
                Plan.objects.filter(slug=event.object.removeprefix("plan_")).update(created_at=event.at)
    _sign_ins(dice, ends_at)


def _sign_ins(dice: random.Random, ends_at: datetime) -> None:
    """Whoever did something signed in shortly before."""
    for user in User.objects.order_by("id"):
        last = AuditEvent.objects.filter(actor=user.identity).order_by("-id").first()
        if last is not None:
            minutes = timedelta(minutes=dice.uniform(1, 15))
            User.objects.filter(pk=user.pk).update(last_login=min(last.at, ends_at) - minutes)
