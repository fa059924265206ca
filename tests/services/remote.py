"""Keys at the fixture ``remote``, and what a worker does with them."""

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_operation
from portal.models import IssuedKey, Membership
from portal.services.keys.request import request_key


def work() -> None:
    """Run what is due, as a worker does."""
    while (operation := claim_operation()) is not None:
        run_operation(operation)


def remote_key(owner: Membership, name: str = "remote") -> IssuedKey:
    """An active key at the remote plugin whose secret nobody fetched."""
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name=name, plugin="remote")
    work()
    key = IssuedKey.objects.get(operations=operation)
    assert key.status == "active"
    return key


def fresh(key: IssuedKey) -> IssuedKey:
    return IssuedKey.objects.get(pk=key.pk)
