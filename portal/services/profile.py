"""What people change about themselves: their name, how pages are written for them, which mails they want."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.core.actor import Actor
from portal.models import User
from portal.services.audit import Action, record

FIELDS = ("name", "language", "time_zone", "wants_key_mail", "wants_reminders")


def update_profile(actor: Actor, user: User, changes: Mapping[str, Any]) -> list[str]:
    """Change the person's own preferences; returns the names of the fields that are different now."""
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        changed = [name for name in FIELDS if name in changes and getattr(stored, name) != changes[name]]
        for name in changed:
            setattr(stored, name, changes[name])
        if changed:
            stored.save(update_fields=changed)
            record(actor, Action.USER_CHANGED, stored.public_id, fields=changed)
    return changed
