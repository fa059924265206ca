"""Purging the audit log without making it possible to remove anything else.

A chain loses entries at its beginning only. Its head then says how many are gone and what the
last one's HMAC was, under the head's own HMAC: that checkpoint is what the first entry that is
left follows. Entries are checked before they go, so that a purge never signs for what somebody
else altered or removed.
"""

import hmac
from datetime import datetime
from itertools import takewhile

import structlog
from django.conf import settings
from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.batches import BATCH, in_batches
from portal.core.clock import now
from portal.core.stopping import stopping
from portal.models import AuditEvent, AuditHead
from portal.services.audit import ANNOUNCING, PORTAL_CHAIN, Action, Entry, event_mac, head_mac, record_all
from portal.services.data_keys import data_key

log = structlog.get_logger("portal.audit")


class _TamperedWith(Exception):
    """The chain's beginning isn't what was written: it stays, for ``verify_audit`` to find."""


def count_past_retention() -> int:
    return AuditEvent.objects.filter(at__lt=_cutoff()).count()


def purge_entries() -> int:
    """Purge what is past ``AUDIT_RETENTION``, one chain a transaction; returns how many entries.

    Entries are walked from the oldest on, as far as there are old ones among them. A chain that
    was tampered with is left as it is, and logged.
    """
    cutoff, purged, last = _cutoff(), 0, 0
    while not stopping.is_set():
        oldest = AuditEvent.objects.filter(pk__gt=last).order_by("pk")
        rows = list(oldest.values_list("pk", "chain", "at")[:BATCH])
        chains = dict.fromkeys(chain for _, chain, at in rows if at < cutoff)
        if not chains:
            break
        for chain in chains:
            purged += _purge_chain(chain, cutoff)
        last = rows[-1][0]
    return purged


def _cutoff() -> datetime:
    return now() - settings.AUDIT_RETENTION


def _purge_chain(chain: str, cutoff: datetime) -> int:
    try:
        return in_batches(lambda: _purge_some(chain, cutoff))
    except _TamperedWith as exc:
        log.error("audit.purge_refused", chain=chain, reason=str(exc))
        return 0


def _purge_some(chain: str, cutoff: datetime) -> int:
    with transaction.atomic():
        head = AuditHead.objects.select_for_update(no_key=True).filter(chain=chain).first()
        if head is None:
            raise _TamperedWith("no_head")
        follow = AuditEvent.objects.filter(chain=chain, number__gt=head.purged).order_by("number")
        old = list(takewhile(lambda event: event.at < cutoff, follow[:BATCH]))
        if not old:
            return 0
        _check(head, old)
        head.purged, head.purged_mac = old[-1].number, old[-1].mac
        head.mac = head_mac(data_key("audit"), head)
        head.save(update_fields=["purged", "purged_mac", "mac"])
        AuditEvent.objects.filter(pk__in=[event.pk for event in old]).delete()
        if chain == PORTAL_CHAIN:
            _announce_again(old)
    return len(old)


def _check(head: AuditHead, old: list[AuditEvent]) -> None:
    """The head is genuine, and these are the next entries, as they were written."""
    secret, mac = data_key("audit"), head.purged_mac
    if not hmac.compare_digest(head.mac, head_mac(secret, head)):
        raise _TamperedWith("head")
    for event in old:  # its HMAC covers its number and the one before it, so none is missing
        if not hmac.compare_digest(event.mac, event_mac(secret, event, mac)):
            raise _TamperedWith(event.public_id)
        mac = event.mac


def _announce_again(old: list[AuditEvent]) -> None:
    """Name the chains again whose announcement was just purged, so that one that vanishes is missed.

    One that has vanished already is, too, so it goes on being missed.
    """
    chains = [event.object for event in old if event.action in ANNOUNCING]
    record_all(SYSTEM, [Entry(Action.CHAIN_KEPT, chain) for chain in chains])
