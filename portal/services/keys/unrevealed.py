"""Secrets that nobody fetched: erased after a week, and their keys revoked."""

from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.batches import BATCH, in_batches, until_stopped
from portal.core.clock import now
from portal.models import IssuedKey, Operation
from portal.services.keys.reveal import UNREVEALED_FOR
from portal.services.keys.revoke import revoke_key

REASON = "secret never fetched"


def revoke_unrevealed() -> int:
    """Erase secrets that nobody fetched within a week and revoke their keys; returns how many.

    A key that nobody can know is of no use to its customer and of some to a thief. May be repeated.
    """
    return in_batches(_revoke_some)


def _revoke_some() -> int:
    found = IssuedKey.objects.unrevealed().filter(activated_at__lte=now() - UNREVEALED_FOR)
    keys = found.order_by("activated_at").values_list("pk", flat=True)[:BATCH]
    return sum(_revoke(key_id) for key_id in until_stopped(keys))


def _revoke(key_id: int) -> bool:
    """Revoke it unless it was fetched a moment ago. Locks in their order: operation, key."""
    with transaction.atomic():
        open_ones = Operation.objects.filter(key=key_id, finished_at=None)
        list(open_ones.select_for_update(no_key=True).order_by("id"))
        key = IssuedKey.objects.unrevealed().select_for_update(no_key=True).filter(pk=key_id).first()
        if key is not None:
            revoke_key(SYSTEM, key_id, reason=REASON)
    return key is not None
