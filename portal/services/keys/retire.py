"""The end of a rotation's overlap: the old key goes when its successor has lived long enough."""

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import IssuedKey, Operation
from portal.services.audit import Action, record
from portal.services.operations.queue import new_operation
from portal.services.status_lists import note_status_changes


def retire_predecessor(successor: IssuedKey) -> None:
    """Fix when the key that ``successor`` replaces stops working. In the caller's transaction."""
    if successor.rotated_from_id is None or successor.overlap is None:
        return
    old = IssuedKey.objects.select_for_update(no_key=True).get(pk=successor.rotated_from_id)
    if old.status != IssuedKey.Status.ACTIVE:
        return
    old.retires_at = now() + successor.overlap
    old.save(update_fields=["retires_at"])
    note_status_changes([old.pk])  # its bit changes later: the list is to be signed anew at that time
    new_operation(
        Operation.Kind.REVOKE_KEY, old.plugin, successor.customer, key=old, run_after=old.retires_at
    )
    record(SYSTEM, Action.KEY_RETIRING, old.public_id, customer=successor.customer,
           successor=successor.public_id, retires_at=old.retires_at.isoformat())  # fmt: skip
