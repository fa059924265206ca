"""Customers: creating, changing, suspending, closing, deleting."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.seen_names import check_name
from portal.models import (
    Call,
    Customer,
    Invitation,
    IssuedKey,
    ManagementToken,
    Membership,
    Notice,
    Operation,
    PlanRequest,
    ProviderAccount,
    Subscription,
    User,
)
from portal.services.access_tokens import revoke_tokens
from portal.services.audit import Action, Entry, record, record_all
from portal.services.keys.revoke import revoke_keys_of
from portal.services.operations.change import request_cancellation
from portal.services.telling import tell_customer

Status = Customer.Status
ALLOWED_STATUS = {
    Status.PENDING: {Status.ACTIVE, Status.CLOSED},
    Status.ACTIVE: {Status.SUSPENDED, Status.CLOSED},
    Status.SUSPENDED: {Status.ACTIVE, Status.CLOSED},
    Status.CLOSED: set(),
}
FIELDS = ("name", "email", "external_id", "status", "status_reason")
_EXTERNAL_ID = re.compile(r"[\x21-\x7e]{1,255}")


def create_customer(
    actor: Actor, *, name: str, email: str = "", external_id: str | None = None, status: str = Status.ACTIVE
) -> Customer:
    """Store a new customer; ``external_id`` is its own id when not given."""
    check_name(name)
    customer = Customer(name=name, email=email.lower(), status=status)
    customer.external_id = external_id or customer.public_id
    _check_external_id(customer)
    with transaction.atomic():
        _save(customer)
        record(actor, Action.CUSTOMER_CREATED, customer.public_id, customer=customer)
    return customer


def update_customer(actor: Actor, customer_id: int, changes: Mapping[str, Any]) -> Customer:
    """Change a customer. Suspending and closing revoke every key at every plugin.

    A reason belongs to one status: it goes with the next, unless another one is given.
    """
    with transaction.atomic():
        customer = lock_customer(customer_id)
        if changes.get("status", customer.status) != customer.status:
            changes = {"status_reason": "", **changes}
        changed = [name for name in FIELDS if name in changes and getattr(customer, name) != changes[name]]
        if "external_id" in changed and _is_known_outside(customer):
            raise Conflict(
                "external_id_fixed", "Keys or providers carry this external_id already, so it can't change."
            )
        if "status" in changed:
            _check_status(customer, changes["status"])
        if "name" in changed:
            check_name(changes["name"])
        for name in changed:
            setattr(customer, name, changes[name])
        _check_external_id(customer)
        if changed:
            _save(customer)
        if "status" in changed and customer.status in (Status.SUSPENDED, Status.CLOSED):
            revoke_keys_of(actor, customer, reason=f"customer {customer.status}")
        if changed:
            record(
                actor,
                Action.CUSTOMER_CHANGED,
                customer.public_id,
                customer=customer,
                fields=changed,
                status=customer.status,
            )
    return customer


def approve_customer(actor: Actor, customer_id: int) -> Customer:
    """Let a customer in that signed up, and tell its owners."""
    with transaction.atomic():
        _check_pending(lock_customer(customer_id))
        customer = update_customer(actor, customer_id, {"status": Status.ACTIVE})
        tell_customer(customer, Notice.Kind.CUSTOMER_APPROVED)
    return customer


def decline_customer(actor: Actor, customer_id: int, *, reason: str) -> Customer:
    """Close a customer that signed up, and tell its owners why."""
    if not reason.strip():
        raise Invalid.field("reason", "say why: the customer reads it")
    with transaction.atomic():
        _check_pending(lock_customer(customer_id))
        changes = {"status": Status.CLOSED, "status_reason": reason.strip()}
        customer = update_customer(actor, customer_id, changes)
        tell_customer(customer, Notice.Kind.CUSTOMER_DECLINED, reason=customer.status_reason)
    return customer


def _check_pending(customer: Customer) -> None:
    """Approving many must not bring back those that somebody suspended."""
    if customer.status != Status.PENDING:
        raise Conflict(
            "transition_not_allowed",
            "This customer has been approved or closed already. Nothing was changed.",
        )


def _is_known_outside(customer: Customer) -> bool:
    return (
        IssuedKey.objects.filter(customer=customer).exists()
        or ProviderAccount.objects.filter(customer=customer).exists()
        or Operation.objects.filter(customer=customer, finished_at=None).exists()
    )


def delete_customer(actor: Actor, customer_id: int) -> None:
    """Close a customer for good: revoke its keys, cancel its subscriptions, erase personal data.

    The row stays, so that revocations can finish and its external id is never given twice.
    """
    with transaction.atomic():
        customer = lock_customer(customer_id)
        people = _members_of_nothing_else(customer)
        lock_work([customer], people)
        customer.status, customer.deleted_at = Status.CLOSED, now()
        customer.name, customer.email, customer.status_reason = "", "", ""
        customer.save(update_fields=["status", "deleted_at", "name", "email", "status_reason"])
        revoke_keys_of(actor, customer, reason="customer deleted")
        _cancel_provisioning(customer)
        _cancel_subscriptions(actor, customer)
        tokens = ManagementToken.objects.filter(customer=customer, revoked_at=None)
        revoke_tokens(actor, tokens, customer)
        Membership.objects.filter(customer=customer).delete()
        Invitation.objects.filter(customer=customer).delete()
        PlanRequest.objects.filter(customer=customer).delete()
        for user in people:
            delete_person(user)
        record(actor, Action.CUSTOMER_DELETED, customer.public_id, customer=customer)


def _members_of_nothing_else(customer: Customer) -> list[User]:
    """Whom the portal knows because of this customer alone."""
    elsewhere = Membership.objects.exclude(customer=customer)
    return list(customer.users.filter(is_staff=False).exclude(memberships__in=elsewhere))


def lock_work(customers: Collection[Customer], people: Collection[User]) -> None:
    """Lock what is about to change before the first audit entry: a worker locks in that order too."""
    theirs = Q(customer__in=customers) | Q(user__in=people)
    operations = Operation.objects.filter(theirs, finished_at=None)
    keys = IssuedKey.objects.filter(theirs)
    for rows in (operations, keys):
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _cancel_provisioning(customer: Customer) -> None:
    for operation in Operation.objects.filter(
        customer=customer, kind=Operation.Kind.PROVISION, finished_at=None
    ):
        request_cancellation(operation)


def delete_person(user: User) -> None:
    """Delete a user and what ties their name to ids at providers; their keys stay, without a user."""
    accounts = ProviderAccount.objects.filter(user=user).select_related("customer")
    for account in accounts:
        scope = f"{account.plugin} {account.customer.public_id} {account.kind} {user.public_id}"
        Call.objects.filter(scope=scope).delete()
    accounts.delete()
    user.delete()


def _cancel_subscriptions(actor: Actor, customer: Customer) -> None:
    live = Subscription.objects.filter(customer=customer).live()
    entries = [
        Entry(Action.SUBSCRIPTION_CHANGED, found.public_id, {"fields": ["status"], "status": "cancelled"})
        for found in live
    ]
    live.update(status=Subscription.Status.CANCELLED)
    record_all(actor, entries, customer=customer)


def lock_customer(customer_id: int) -> Customer:
    """The customer, locked until the transaction ends; raises ``NotFound`` when deleted.

    Locks are taken in one order: customer, operation, key, signing key, audit head. They are
    ``NO KEY`` locks, so that inserting a row that refers to the customer never waits for them.
    """
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id, deleted_at=None).first()
    if customer is None:
        raise NotFound("customer")
    return customer


def _save(customer: Customer) -> None:
    try:
        with transaction.atomic():
            customer.save()
    except IntegrityError as exc:
        raise Conflict(
            "external_id_taken", "Another customer has this external_id. Nothing was changed."
        ) from exc


def _check_status(customer: Customer, status: str) -> None:
    if status not in ALLOWED_STATUS[Status(customer.status)]:
        raise Conflict(
            "transition_not_allowed",
            f"This customer is {customer.status} and can't become {status}. Nothing was changed.",
        )


def _check_external_id(customer: Customer) -> None:
    if not _EXTERNAL_ID.fullmatch(customer.external_id):
        raise Invalid.field("external_id", "must be 1 to 255 visible ASCII characters")
    # An id must never name two customers, whichever of the two ids it is taken for.
    if customer.external_id.startswith("cus_") and customer.external_id != customer.public_id:
        raise Invalid.field("external_id", "must not start with cus_, which the portal's own ids do")
