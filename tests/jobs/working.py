"""What a worker does, a step at a time, and what came of it."""

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_operation
from portal.models import IssuedKey, Membership, Operation
from portal.services.keys.request import request_key


def work() -> Operation | None:
    """Run the next due operation; None when there is none."""
    operation = claim_operation()
    if operation is not None:
        run_operation(operation)
    return operation


def claimed() -> Operation:
    """The next due operation, leased to this process."""
    operation = claim_operation()
    assert operation is not None
    return operation


def fresh(operation: Operation) -> Operation:
    return Operation.objects.select_related("key").get(pk=operation.pk)


def states(operation: Operation) -> tuple[str, str]:
    """The operation's and its key's."""
    found = fresh(operation)
    assert found.key is not None
    return found.state, found.key.status


def active_key(owner: Membership, name: str = "remote") -> IssuedKey:
    asked = request_key(SYSTEM, owner.customer_id, user=owner.user, name=name)
    work()
    return IssuedKey.objects.get(pk=asked.key_id, status="active")
