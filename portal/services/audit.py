"""Writing and checking the audit log.

An entry's HMAC covers the one before it, the chain's head covers the number of entries, and
each customer's chain is announced in the portal's own chain: what was altered, inserted,
reordered, removed or cut off is found. Subject rows are locked first, the chain's head last.
Entries past their retention are purged from a chain's beginning: ``audit_purge``.
"""

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from portal.core.actor import SYSTEM, Actor
from portal.core.clock import now
from portal.core.metrics import EVENTS
from portal.models import AuditEvent, AuditHead, Customer, SigningKey
from portal.services.data_keys import data_key

log = structlog.get_logger("portal.audit")
PORTAL_CHAIN = "portal"


class Action(StrEnum):
    CHAIN_STARTED = "audit.chain_started"
    CHAIN_KEPT = "audit.chain_kept"
    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_CHANGED = "customer.changed"
    CUSTOMER_DELETED = "customer.deleted"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_MFA_ADDED = "user.mfa_added"
    USER_MFA_REMOVED = "user.mfa_removed"
    USER_MFA_RESET = "user.mfa_reset"
    USER_PASSWORD_CHANGED = "user.password_changed"
    USER_SESSIONS_ENDED = "user.sessions_ended"
    USER_EXPORTED = "user.exported"
    USER_DELETED = "user.deleted"
    STAFF_GROUP_CHANGED = "staff_group.changed"
    MEMBER_ADDED = "member.added"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    INVITATION_ACCEPTED = "invitation.accepted"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
    PLAN_CREATED = "plan.created"
    PLAN_CHANGED = "plan.changed"
    PLAN_REQUESTED = "plan_request.created"
    PLAN_REQUEST_WITHDRAWN = "plan_request.withdrawn"
    PLAN_REQUEST_APPROVED = "plan_request.approved"
    PLAN_REQUEST_DECLINED = "plan_request.declined"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    KEY_REQUESTED = "key.requested"
    KEY_ACTIVATED = "key.activated"
    KEY_FAILED = "key.failed"
    KEY_REVEALED = "key.revealed"
    KEY_REVOKING = "key.revoking"
    KEY_REVOKED = "key.revoked"
    KEY_RETIRING = "key.retiring"
    KEY_EXPIRED = "key.expired"
    OPERATION_REQUESTED = "operation.requested"
    OPERATION_RETRIED = "operation.retried"
    OPERATION_CANCELLED = "operation.cancelled"
    SIGNING_KEY_STAGED = "signing_key.staged"
    SIGNING_KEY_ACTIVATED = "signing_key.activated"
    SIGNING_KEY_RETIRING = "signing_key.retiring"
    SIGNING_KEY_RETIRED = "signing_key.retired"
    SIGNING_KEY_REVOKED = "signing_key.revoked"
    ACCESS_TOKEN_CREATED = "access_token.created"
    ACCESS_TOKEN_REVOKED = "access_token.revoked"
    PHONE_NUMBERS_SHOWN = "phone_numbers.shown"
    LIST_EXPORTED = "list.exported"
    RESTORED = "portal.restored"
    PLUGIN_REPAIRED = "plugin.repaired"


ANNOUNCING = (Action.CHAIN_STARTED, Action.CHAIN_KEPT)
"""Entries of the portal's chain that name another chain, so that it can't vanish as a whole."""


@dataclass(frozen=True)
class Entry:
    """What happened to which object; ``detail`` holds ids, numbers and names of fields only."""

    action: Action
    object: str
    detail: dict[str, Any] = field(default_factory=dict)


def record(
    actor: Actor, action: Action, subject: str, *, customer: Customer | None = None, **detail: Any
) -> None:
    """Append one entry. Runs inside the transaction of the change it tells of."""
    record_all(actor, [Entry(action, subject, detail)], customer=customer)


def record_all(actor: Actor, entries: Sequence[Entry], *, customer: Customer | None = None) -> None:
    """Append several entries to one chain, in order."""
    if not entries:
        return
    transaction.get_connection().validate_no_broken_transaction()
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit entry commits together with its change: open a transaction")
    secret = data_key("audit")
    head = _locked_head(customer.public_id if customer else PORTAL_CHAIN, secret)
    at, events, mac = now(), [], head.last_mac
    for number, entry in enumerate(entries, start=head.count + 1):
        event = AuditEvent(
            at=at, actor=actor.identity, action=entry.action, object=entry.object,
            customer=customer, detail=entry.detail, chain=head.chain, number=number,
        )  # fmt: skip
        event.mac = mac = event_mac(secret, event, mac)
        events.append(event)
    AuditEvent.objects.bulk_create(events)
    head.count, head.last_mac = head.count + len(events), mac
    head.mac = head_mac(secret, head)
    head.save(update_fields=["count", "last_mac", "mac"])
    transaction.on_commit(lambda: _tell(events), robust=True)


def _tell(events: Sequence[AuditEvent]) -> None:
    """Once they are committed: count them; in production leave a copy in the log, which is kept elsewhere."""
    for event in events:
        EVENTS.labels(event.action).inc()
        if settings.DEVELOPMENT:
            continue
        log.info(
            "audit.recorded", id=event.public_id, at=event.at.isoformat(), actor=event.actor,
            action=event.action, object=event.object, chain=event.chain,
        )  # fmt: skip


def _locked_head(chain: str, secret: bytes) -> AuditHead:
    head = AuditHead.objects.select_for_update(no_key=True).filter(chain=chain).first()
    if head is not None:
        return head
    AuditHead.objects.bulk_create([AuditHead(chain=chain)], ignore_conflicts=True)
    head = AuditHead.objects.select_for_update(no_key=True).get(chain=chain)
    if head.count == 0 and chain != PORTAL_CHAIN:
        record(SYSTEM, Action.CHAIN_STARTED, chain)
    return head


def _mac(secret: bytes, *parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(secret, text.encode(), "sha256").hex()


def event_mac(secret: bytes, event: AuditEvent, previous: str) -> str:
    """The entry's HMAC, which covers that of the entry before it."""
    return _mac(
        secret, "event", previous, event.chain, event.number, event.public_id, event.at.isoformat(),
        event.actor, event.action, event.object, event.customer_id, event.detail,
    )  # fmt: skip


def head_mac(secret: bytes, head: AuditHead) -> str:
    """The head's HMAC: over the chain's end and, once entries were purged, over where it begins now."""
    purged = (head.purged, head.purged_mac) if head.purged else ()
    return _mac(secret, "head", head.chain, head.count, head.last_mac, *purged)


def broken_entries() -> Iterator[str]:
    """Describe what does not fit, chain by chain, the first fault of each; nothing when all is well.

    Others may write meanwhile: what seems broken is looked at again while they can't.
    """
    secret = data_key("audit")
    heads = {head.chain: head for head in AuditHead.objects.order_by("id").iterator()}
    announced = set(
        AuditEvent.objects.filter(chain=PORTAL_CHAIN, action__in=ANNOUNCING)
        .values_list("object", flat=True).iterator()
    )  # fmt: skip
    if not heads and (AuditEvent.objects.exists() or SigningKey.objects.exists()):
        yield f"chain {PORTAL_CHAIN}: its head is missing"
    for chain in sorted(announced - heads.keys()):
        if not AuditHead.objects.filter(chain=chain).exists():
            yield f"chain {chain}: its head is missing"
    for chain in heads.keys() - announced - {PORTAL_CHAIN}:
        yield f"chain {chain}: it was never announced"
    for head in heads.values():
        if _fault_in(head, secret) and (fault := _certain_fault(head.chain, secret)):
            yield fault
    stray = AuditEvent.objects.exclude(chain__in=AuditHead.objects.values("chain")).first()
    if stray is not None:
        yield f"entry {stray.public_id}: its chain has no head"


def _certain_fault(chain: str, secret: bytes) -> str | None:
    """What is wrong with a chain that nobody can write to while it is read."""
    with transaction.atomic():
        head = AuditHead.objects.select_for_update(no_key=True).filter(chain=chain).first()
        return f"chain {chain}: its head is missing" if head is None else _fault_in(head, secret)


def _fault_in(head: AuditHead, secret: bytes) -> str | None:
    if not hmac.compare_digest(head.mac, head_mac(secret, head)):
        return f"chain {head.chain}: its head was altered"
    number, mac = head.purged, head.purged_mac
    for event in AuditEvent.objects.filter(chain=head.chain).order_by("number").iterator():
        number += 1
        if event.number < number:
            return f"entry {event.public_id}: it was inserted where entries had been purged"
        if event.number != number:
            return f"entry {event.public_id}: {event.number - number} entries before it are missing"
        if not hmac.compare_digest(event.mac, event_mac(secret, event, mac)):
            return f"entry {event.public_id}: it was altered, inserted or moved"
        mac = event.mac
    if number != head.count or mac != head.last_mac:
        return f"chain {head.chain}: {head.count - number} entries were cut off after number {number}"
    return None


def entry_count() -> int:
    """How many entries the heads account for, purged ones included: it never falls."""
    return sum(AuditHead.objects.values_list(F("count"), flat=True))


def purged_count() -> int:
    """How many of those are past their retention and gone."""
    return sum(AuditHead.objects.values_list(F("purged"), flat=True))
