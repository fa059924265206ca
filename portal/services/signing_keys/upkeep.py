"""What time does to signing keys: staged, rotated, retired for good without anybody's help."""

from django.conf import settings
from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import SigningKey
from portal.services.signing_keys.lifecycle import Source, State, end_retired, lock_all
from portal.services.signing_keys.rotate import finish_revocations, may_activate_at, rotate_signing_key
from portal.services.signing_keys.sync import sync_signing_keys


def keep_signing_keys() -> None:
    """Do what is due: finish revocations, see that a key is staged, rotate, end what has retired.

    Managed keys rotate beside an imported one too: they sign the status lists. May be repeated.
    """
    finish_revocations(SYSTEM)  # first: it is the one thing that can't wait
    managed = SigningKey.objects.filter(source=Source.MANAGED)
    if not managed.filter(state=State.STAGED).exists() or not managed.filter(state=State.ACTIVE).exists():
        sync_signing_keys()
    _rotate_when_due()
    if SigningKey.objects.filter(state=State.RETIRING).exists():
        with transaction.atomic():
            lock_all()
            end_retired(SYSTEM)


def _rotate_when_due() -> None:
    with transaction.atomic():
        lock_all()  # so that two workers at it, or a person and a worker, rotate once
        managed = SigningKey.objects.filter(source=Source.MANAGED)
        active = managed.filter(state=State.ACTIVE).first()
        staged = managed.filter(state=State.STAGED).first()
        if active is None or active.activated_at is None or staged is None:
            return
        old_enough = active.activated_at + settings.SIGNING_KEY_ROTATE_EVERY <= now()
        if old_enough and may_activate_at(staged) <= now():
            rotate_signing_key(SYSTEM)
