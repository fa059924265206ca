"""Which keys' people are to be reminded, each once: as a row before it is a mail."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.core.batches import BATCH, in_batches
from portal.core.clock import now
from portal.models import IssuedKey, Notice
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


def prepare_reminders() -> int:
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
