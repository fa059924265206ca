"""Inserting operations with their change, and letting them run."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, NotFound
from portal.core.plugins import plugin_named, registry
from portal.core.process import this_process
from portal.models import Customer, IssuedKey, Membership, Operation, User
from portal.services.audit import Action, record

State = Operation.State
LEASE = timedelta(seconds=15)
CHANNEL = "portal_work"
"""Where PostgreSQL tells workers of new work."""


def new_operation(
    kind: Operation.Kind,
    plugin: str,
    customer: Customer,
    *,
    user: User | None = None,
    key: IssuedKey | None = None,
    run_after: datetime | None = None,
) -> Operation:
    """Insert an operation in the caller's transaction.

    For a local plugin, and due at once, it comes leased to this process, which runs it next.
    """
    operation = Operation(
        kind=kind, plugin=plugin, customer=customer, user=user, key=key, run_after=run_after or now()
    )
    if run_after is None and plugin in registry().slugs and registry().get(plugin).local:
        operation.state, operation.attempts = State.RUNNING, 1
        operation.owner, operation.lease_until = this_process(), now() + LEASE
    operation.save(force_insert=True)
    if operation.state == State.QUEUED and run_after is None:
        _wake_workers()
    return operation


def queue_removals(customer: Customer, keys: Iterable[IssuedKey]) -> None:
    """Have the credentials of these keys removed, in the caller's transaction."""
    operations = [
        Operation(kind=Operation.Kind.REVOKE_KEY, plugin=key.plugin, customer=customer, key=key)
        for key in keys
    ]
    if operations:
        Operation.objects.bulk_create(operations, batch_size=500)
        _wake_workers()


def _wake_workers() -> None:
    """Let them look for work as soon as the transaction commits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def make_due(operation: Operation, *, at: datetime | None = None) -> None:
    """Let a locked operation run at once, or ``at`` a time, in the caller's transaction."""
    operation.state, operation.lease_until, operation.owner = State.QUEUED, None, ""
    operation.scheduled_at = now()
    operation.run_after = at or operation.scheduled_at
    operation.save()
    if at is None:
        _wake_workers()


def request_provisioning(actor: Actor, customer_id: int, *, user: User, plugin: str | None) -> Operation:
    """Ask that a customer's user be made known at a plugin."""
    with transaction.atomic():
        customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
        if customer.status != Customer.Status.ACTIVE:
            raise Conflict("customer_not_active", f"This customer is {customer.status}. Nothing was created.")
        if not Membership.objects.filter(customer=customer, user=user).exists():
            raise NotFound("user")
        slug = plugin_named(plugin).slug
        operation = new_operation(Operation.Kind.PROVISION, slug, customer, user=user)
        record(actor, Action.OPERATION_REQUESTED, operation.public_id, customer=customer, plugin=slug)
    return operation
