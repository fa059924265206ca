"""Erasing what is past its retention, in short transactions that may end between any two."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from portal.core.batches import BATCH, in_batches
from portal.core.clock import now
from portal.models import (
    AdmissionCount,
    AdmissionSlot,
    Call,
    DailyUse,
    IdempotencyRecord,
    Invitation,
    IssuedKey,
    Notice,
    Operation,
    PhoneToken,
    WorkerSeen,
)
from portal.services.audit_purge import count_past_retention, purge_entries
from portal.services.devices import forgotten_devices
from portal.services.idempotency import KEPT
from portal.services.sessions import dead_sessions

INVITATIONS_KEPT = timedelta(days=30)
"""After the last link has ended, whether it was answered or not: the addresses are other people's."""
ADMISSIONS_KEPT = timedelta(minutes=1)
WORKER_FORGOTTEN_AFTER = timedelta(hours=1)
NOTICE_KEPT = timedelta(days=30)
DAILY_USES_KEPT = timedelta(days=400)
ENDED_KEY = (IssuedKey.Status.REVOKED, IssuedKey.Status.EXPIRED, IssuedKey.Status.FAILED)
ENDED_OPERATION = (Operation.State.SUCCEEDED, Operation.State.FAILED, Operation.State.CANCELLED)


@dataclass(frozen=True)
class Kind:
    """Something that is kept for a while: how many are past it, and erasing those in batches."""

    count: Callable[[], int]
    erase: Callable[[], int]


def purge(*, dry_run: bool = False) -> dict[str, int]:
    """Erase what is past its retention; returns how many of each kind, with ``dry_run`` without erasing."""
    return {name: kind.count() if dry_run else kind.erase() for name, kind in KINDS.items()}


def _rows(past: Callable[[], "QuerySet[Any]"], **erased: str) -> Kind:
    """Rows that are deleted, or whose columns in ``erased`` are emptied."""

    def erase_some() -> int:
        # Past it still, once its row is locked: others may be writing to it.
        found = past().filter(pk__in=list(past().values_list("pk", flat=True)[:BATCH]))
        return int(found.update(**erased) if erased else found.delete()[0])

    return Kind(lambda: past().count(), lambda: in_batches(erase_some))


def _unheld_rows(past: Callable[[], "QuerySet[Any]"]) -> Kind:
    """Rows that are deleted while nobody holds them.

    Who is let in locks two of them in one order, a purge would in another: waiting for each other.
    """

    def erase_some() -> int:
        with transaction.atomic():
            free = past().select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH]
            return int(past().filter(pk__in=list(free)).delete()[0])

    return Kind(lambda: past().count(), lambda: in_batches(erase_some))


def _ended_secrets() -> "QuerySet[Call]":
    """Secrets in the call ledger whose operation has ended; ending it erases them, this makes sure."""
    ended = Operation.objects.filter(state__in=ENDED_OPERATION).values("public_id")
    return Call.objects.exclude(sealed_secret="").filter(scope__in=ended)


def _past_notices() -> "QuerySet[Notice]":
    """What was told of keys that have ended, and whatever is too old to be told or to be told again.

    A welcome stays, so that it is said once; so does what was told of a key, while the key lives.
    """
    old = Q(created_at__lte=now() - NOTICE_KEPT) & ~Q(kind=Notice.Kind.WELCOME)
    ended = Q(key__status__in=ENDED_KEY)
    return Notice.objects.filter((ended & Q(sent_at__isnull=False)) | (old & (ended | Q(key=None))))


def _admissions_past() -> float:
    return (now() - ADMISSIONS_KEPT).timestamp()


def past_phone_tokens() -> "QuerySet[PhoneToken]":
    """The oldest first: newest first, the search for them could begin with all that are kept."""
    past = PhoneToken.objects.filter(expires_at__lte=now() - settings.TOKEN_SERVICE_RETENTION)
    return past.order_by("expires_at")


def _expired_cache(statement: str) -> int:
    """Run a statement over the expired rows of Django's cache table; 0 when the cache is elsewhere."""
    cache = settings.CACHES["default"]
    if not cache["BACKEND"].endswith("DatabaseCache"):
        return 0
    table = connection.ops.quote_name(cache["LOCATION"])
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=table), [connection.ops.adapt_datetimefield_value(now())])
        return int(cursor.fetchone()[0] if cursor.description else cursor.rowcount)


def _count_cache() -> int:
    return _expired_cache("SELECT count(*) FROM {table} WHERE expires < %s")


def _erase_some_cache() -> int:
    return _expired_cache(
        "DELETE FROM {table} WHERE cache_key IN (SELECT cache_key FROM {table} WHERE expires < %s LIMIT 500)"
    )


KINDS = {
    "idempotency records": _rows(lambda: IdempotencyRecord.objects.filter(created_at__lte=now() - KEPT)),
    "sessions": _rows(lambda: Session.objects.filter(expire_date__lt=now())),
    "signed-in browsers": _rows(dead_sessions),
    "known devices": _rows(forgotten_devices),
    "cache entries": Kind(_count_cache, lambda: in_batches(_erase_some_cache)),
    "invitations": _rows(lambda: Invitation.objects.filter(expires_at__lte=now() - INVITATIONS_KEPT)),
    "notices": _rows(_past_notices),
    "secrets of operations": _rows(_ended_secrets, sealed_secret=""),
    "silent workers": _rows(lambda: WorkerSeen.objects.filter(seen_at__lt=now() - WORKER_FORGOTTEN_AFTER)),
    "daily uses": _rows(lambda: DailyUse.objects.filter(day__lt=(now() - DAILY_USES_KEPT).date())),
    "phone tokens": _rows(past_phone_tokens),
    "admissions": _unheld_rows(lambda: AdmissionSlot.objects.filter(free_at__lt=_admissions_past())),
    "admitted callers": _unheld_rows(lambda: AdmissionCount.objects.filter(free_at__lt=_admissions_past())),
    "audit entries": Kind(count_past_retention, purge_entries),
}
