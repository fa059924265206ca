"""Subscriptions: a customer on a plan."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotFound
from portal.models import Plan, Subscription
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.keys.revoke import revoke_keys_of

Status = Subscription.Status
ALLOWED_STATUS = {
    Status.TRIALING: {Status.ACTIVE, Status.PAST_DUE, Status.CANCELLED},
    Status.ACTIVE: {Status.PAST_DUE, Status.CANCELLED},
    Status.PAST_DUE: {Status.ACTIVE, Status.CANCELLED},
    Status.CANCELLED: set(),
}


def create_subscription(
    actor: Actor, customer_id: int, *, plan: Plan, external_id: str = "", status: str = Status.ACTIVE
) -> Subscription:
    """Put a customer on a plan; raises ``Conflict`` when the external id is taken."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        if customer.status == customer.Status.CLOSED:
            raise Conflict("customer_not_active", "This customer is closed. Nothing was created.")
        subscription = Subscription(customer=customer, plan=plan, external_id=external_id, status=status)
        _save(subscription)
        record(actor, Action.SUBSCRIPTION_CREATED, subscription.public_id, customer=customer,
               plan=plan.slug, status=status)  # fmt: skip
    return subscription


def update_subscription(actor: Actor, subscription_id: int, changes: Mapping[str, Any]) -> Subscription:
    """Change plan, status or external id. Cancelling revokes the keys made under it, for good."""
    found = Subscription.objects.filter(pk=subscription_id).first()
    if found is None:
        raise NotFound("subscription")
    with transaction.atomic():
        customer = lock_customer(found.customer_id)
        subscription = Subscription.objects.select_for_update(no_key=True).get(pk=subscription_id)
        names = ("plan", "external_id", "status")
        changed = [name for name in names if name in changes and getattr(subscription, name) != changes[name]]
        if "status" in changed and changes["status"] not in ALLOWED_STATUS[Status(subscription.status)]:
            raise Conflict(
                "transition_not_allowed",
                f"A {subscription.status} subscription can't become {changes['status']}. Nothing changed.",
            )
        for name in changed:
            setattr(subscription, name, changes[name])
        if changed:
            _save(subscription)
        if "status" in changed and subscription.status == Status.CANCELLED:
            revoke_keys_of(actor, customer, subscription=subscription, reason="subscription cancelled")
        if changed:
            record(
                actor,
                Action.SUBSCRIPTION_CHANGED,
                subscription.public_id,
                customer=customer,
                fields=changed,
                status=subscription.status,
            )
    return subscription


def _save(subscription: Subscription) -> None:
    try:
        with transaction.atomic():
            subscription.save()
    except IntegrityError as exc:
        raise Conflict(
            "external_id_taken", "Another subscription has this external_id. Nothing was changed."
        ) from exc
