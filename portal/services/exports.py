"""Exports of lists: who took which list away, and how much of it."""

from collections.abc import Sequence

from django.db import transaction

from portal.core.actor import Actor
from portal.models import Customer
from portal.services.audit import Action, record


def record_export(
    actor: Actor, model: str, *, filters: Sequence[str], rows: int, customer: Customer | None = None
) -> None:
    """Note that a list, of one customer or of all, was exported.

    Holds names of the filters, never their values, which may be addresses.
    """
    with transaction.atomic():
        record(actor, Action.LIST_EXPORTED, model, customer=customer, filters=list(filters), rows=rows)
