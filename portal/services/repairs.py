"""Repairing what differs at a provider: that a person asked for it."""

from django.db import transaction

from portal.core.actor import Actor
from portal.services.audit import Action, record


def record_repair(actor: Actor, plugin: str, *, found: int) -> None:
    """Note, before it begins, that what differs at a plugin's provider is being repaired."""
    with transaction.atomic():
        record(actor, Action.PLUGIN_REPAIRED, plugin, differences=found)
