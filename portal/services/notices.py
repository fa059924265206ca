"""What people are told about their keys by mail: each thing once, as a row before it is a mail.

``prepare_notices`` finds out what is to be told, ``next_letter`` to whom when it is sent: who left
meanwhile is left out, and what has become untrue is dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.core.batches import BATCH, in_batches
from portal.core.clock import now
from portal.models import IssuedKey, Membership, Notice
from portal.services.keys.reveal import UNREVEALED_FOR

Kind = Notice.Kind
BEFORE_EXPIRY = {
    Kind.EXPIRES_IN_30_DAYS: timedelta(days=30),
    Kind.EXPIRES_IN_7_DAYS: timedelta(days=7),
    Kind.EXPIRES_IN_1_DAY: timedelta(days=1),
}
UNREVEALED_TOLD_AFTER = timedelta(days=5)
LATE = timedelta(days=7)
"""A reminder that no worker made in time is made so much later, then no more."""


@dataclass(frozen=True)
class Letter:
    """One notice, ready to be sent. ``deadline`` is when the key or its secret goes."""

    notice_id: int
    kind: str
    recipients: tuple[str, ...] = field(repr=False)
    key_id: str
    key_name: str
    customer_name: str = field(repr=False)
    deadline: datetime


def prepare_notices() -> int:
    """Store what is to be told and has not been stored yet; returns how many notices."""
    return sum(_prepare(kind, keys) for kind, keys in _to_tell())


def _to_tell() -> Iterator[tuple[str, "QuerySet[IssuedKey]"]]:
    """For each kind the keys that it holds for now. The spans don't overlap: a late run tells one thing."""
    keys = IssuedKey.objects.filter(retires_at=None)
    told, erased = now() - UNREVEALED_TOLD_AFTER, now() - UNREVEALED_FOR
    lasting = Q(expires_at=None) | Q(expires_at__gt=F("activated_at") + UNREVEALED_FOR)
    yield (
        Kind.UNREVEALED,
        keys.unrevealed().filter(lasting, activated_at__lte=told, activated_at__gt=erased),
    )
    spans = list(BEFORE_EXPIRY.items())
    for (kind, span), (_, nearer) in zip(spans, [*spans[1:], (None, timedelta(0))], strict=True):
        yield (
            kind,
            keys.filter(
                status=IssuedKey.Status.ACTIVE,
                expires_at__lte=now() + span,
                expires_at__gt=now() + max(nearer, span - LATE),
                activated_at__lt=F("expires_at") - span,  # a key that lives shorter needs no such warning
            ),
        )


def _prepare(kind: str, keys: "QuerySet[IssuedKey]") -> int:
    stored = Notice.objects.filter(key=OuterRef("pk"), kind=kind)
    # In no order: asked for the lowest ids, PostgreSQL may walk all keys to find those few.
    new = keys.filter(~Exists(stored)).order_by().values_list("pk", flat=True)

    def some() -> int:
        notices = [Notice(key_id=pk, kind=kind) for pk in new[:BATCH]]
        return len(Notice.objects.bulk_create(notices, ignore_conflicts=True))

    return in_batches(some)


def next_letter(*, after: int = 0) -> Letter | None:
    """The oldest unsent notice behind number ``after``, or None when all are sent.

    Erases notices on the way that are untrue by now, and ends those with nobody left to tell.
    """
    unsent = Notice.objects.filter(sent_at=None).select_related("key__customer").order_by("pk")
    while (notice := unsent.filter(pk__gt=after).first()) is not None:
        after = notice.pk
        deadline, recipients = _deadline(notice), _recipients(notice.key)
        if deadline is None:
            notice.delete()
        elif not recipients:
            mark_sent(notice.pk)
        else:
            key = notice.key
            return Letter(
                notice.pk, notice.kind, recipients, key.public_id, key.name, str(key.customer), deadline
            )
    return None


def mark_sent(notice_id: int) -> None:
    """Note that the mail was handed over."""
    Notice.objects.filter(pk=notice_id).update(sent_at=now())


def _deadline(notice: Notice) -> datetime | None:
    """When what the notice warns of will happen; None when it won't any more, or has."""
    key = notice.key
    if not key.is_usable or key.retires_at is not None or key.activated_at is None:
        return None
    if notice.kind == Kind.UNREVEALED:
        return key.activated_at + UNREVEALED_FOR if key.secret_available else None
    return key.expires_at


def _recipients(key: IssuedKey) -> tuple[str, ...]:
    """Addresses of the key's user and the customer's owners, as far as they are members still."""
    told = Q(role=Membership.Role.OWNER) | Q(user=key.user_id)
    members = Membership.objects.filter(told, customer=key.customer_id, user__is_active=True)
    return tuple(members.order_by("pk").values_list("user__email", flat=True))
