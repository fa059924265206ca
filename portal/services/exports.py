"""Exports of lists: who took which list away, and how much of it."""

from collections.abc import Sequence

from django.db import transaction

from portal.core.actor import Actor
from portal.services.audit import Action, record


def record_export(actor: Actor, model: str, *, filters: Sequence[str], rows: int) -> None:
    """Note that a list was exported: names of the filters, never their values, which may be addresses."""
    with transaction.atomic():
        record(actor, Action.LIST_EXPORTED, model, filters=list(filters), rows=rows)
