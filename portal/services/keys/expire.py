"""Keys whose time is up: marked so, and removed at providers that don't do it themselves."""

from itertools import groupby

from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.batches import BATCH, in_batches, until_stopped
from portal.core.clock import now
from portal.core.plugins import registry
from portal.models import Customer, IssuedKey, Operation
from portal.services.audit import Action, Entry, record_all
from portal.services.operations.queue import new_operation

Status = IssuedKey.Status


def expire_keys() -> int:
    """Mark active keys whose time is up as expired and erase their secrets; returns how many.

    Where the credential lives at a provider an operation is queued that removes it there. May be
    repeated; until it ran, ``shown_status`` says expired already.
    """
    return in_batches(_expire_some)


def _expire_some() -> int:
    past = IssuedKey.objects.filter(status=Status.ACTIVE, expires_at__lte=now())
    found = past.order_by("expires_at").values_list("customer_id", "pk")[:BATCH]
    expired = 0
    for customer_id, keys in until_stopped(groupby(sorted(found), key=lambda row: row[0])):
        expired += _expire(customer_id, [pk for _, pk in keys])
    return expired


def _expire(customer_id: int, keys: list[int]) -> int:
    """One transaction a customer: it locks one audit chain."""
    with transaction.atomic():
        customer = Customer.objects.get(pk=customer_id)
        locked = IssuedKey.objects.select_for_update(no_key=True).filter(
            pk__in=keys, status=Status.ACTIVE, expires_at__lte=now()
        )
        found = list(locked.order_by("id"))
        for key in found:
            key.status = Status.EXPIRED
            if key.sealed_secret:
                key.sealed_secret, key.secret_erased_at = "", now()
            if _lives_at_provider(key):
                new_operation(Operation.Kind.REVOKE_KEY, key.plugin, customer, key=key)
        IssuedKey.objects.bulk_update(found, ["status", "sealed_secret", "secret_erased_at"])
        record_all(SYSTEM, [Entry(Action.KEY_EXPIRED, key.public_id) for key in found], customer=customer)
    return len(found)


def _lives_at_provider(key: IssuedKey) -> bool:
    """Whether something has to be removed; a plugin that isn't enabled any more can't tell."""
    local = key.plugin in registry().slugs and registry().get(key.plugin).local
    return bool(key.external_id) and not local
