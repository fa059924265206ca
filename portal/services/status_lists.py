"""Token status lists: signed when a bit changes, when another key signs, and before they grow old."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.stopping import stopping
from portal.core.well_known import status_list_uri, status_lists_uri
from portal.models import IssuedKey, SigningKey, StatusList, StatusListChange
from portal.services.data_keys import data_key
from portal.services.signing_keys.lookup import active_key
from provisioning.contract import SigningKey as KeyMaterial
from tokens.sign import sign
from tokens.status_list import LIST_SIZE, LIST_TYPE, Statuses

AHEAD = 1 << 16
"""So many keys before the first of them is given, their list exists."""
LIFETIMES = 10
SHORTEST_LIFE = timedelta(hours=2)
"""A list is good for 10 times ``STATUS_LIST_TTL`` and at least so long: until then gateways that
can't fetch another go on accepting keys, so that an outage of workers or database refuses none."""
KEPT_AFTER_EXPIRY = timedelta(days=1)
"""A revoked key keeps its bit for so long after its expiry, for gateways whose clocks are late."""
BATCH = 500
Status = IssuedKey.Status


def renewal() -> timedelta:
    """The age at which a list is signed anew: half of the time that gateways keep it."""
    return timedelta(seconds=settings.STATUS_LIST_TTL.total_seconds() / 2)


def note_status_changes(keys: Iterable[int]) -> None:
    """Have the lists that hold these keys signed anew. In the transaction that changes the keys.

    Who forgets it delays a revocation by the age at which lists are renewed, no more: each
    signing reads all keys.
    """
    numbers = {key // LIST_SIZE for key in keys}
    StatusListChange.objects.bulk_create([StatusListChange(number=number) for number in sorted(numbers)])


LOOK = """
SELECT EXISTS (SELECT 1 FROM portal_statuslistchange)
  OR EXISTS (SELECT 1 FROM portal_statuslist
             WHERE renew_at <= %(at)s OR renew_at > %(latest)s OR kid <> signing.kid)
  OR NOT EXISTS (SELECT 1 FROM portal_statuslist
                 WHERE number >= (COALESCE((SELECT max(id) FROM portal_issuedkey), 0) + %(ahead)s) / %(size)s)
FROM portal_signingkey signing WHERE source = 'managed' AND state = 'active'
"""
"""Written out, because Django takes ten times as long to make it as the database to answer it."""


def is_any_list_stale() -> bool:
    """Whether there is something for ``publish_status_lists`` to do. One query over small indexes."""
    adapt = connection.ops.adapt_datetimefield_value
    values = {"at": adapt(now()), "latest": adapt(now() + renewal()), "ahead": AHEAD, "size": LIST_SIZE}
    with connection.cursor() as cursor:
        cursor.execute(LOOK, values)
        found = cursor.fetchone()
    return found is not None and bool(found[0])  # without a signing key its own schedule has to act first


def publish_status_lists() -> int:
    """Sign and store every list that is out of date or missing; returns how many. May be repeated.

    Each in a short transaction of its own. Ends between two when this process was told to stop.
    """
    signer = active_key(SigningKey.Source.MANAGED)
    published = 0
    for number in _stale_numbers(signer.kid):
        if stopping.is_set():
            break
        published += _publish(number, signer)
    return published


def _stale_numbers(kid: str) -> list[int]:
    changed = StatusListChange.objects.values_list("number", flat=True).distinct()
    due = StatusList.objects.due(now(), kid=kid, renewal=renewal()).values_list("number", flat=True)
    missing = set(_numbers_in_use()).difference(StatusList.objects.values_list("number", flat=True))
    return sorted({*changed, *due, *missing})


def _numbers_in_use() -> Iterator[int]:
    """The lists that keys point to, or are about to.

    Numbers may lie far apart, after a restore, so it is one look at the index a list.
    """
    number, last = 0, 0
    while True:
        beyond = IssuedKey.objects.filter(id__gte=number * LIST_SIZE).order_by("id")
        key = beyond.values_list("id", flat=True).first()
        if key is None:
            break
        yield key // LIST_SIZE
        number = key // LIST_SIZE + 1
    if number:
        last = IssuedKey.objects.order_by("-id").values_list("id", flat=True)[0]
    yield (last + AHEAD) // LIST_SIZE


@dataclass(frozen=True)
class _Content:
    statuses: Statuses
    next_end: datetime | None
    """When the next overlap of a key in the list ends."""


def _publish(number: int, signer: KeyMaterial) -> bool:
    """Sign and store one list; False when another worker did meanwhile.

    The order matters. What is noted by the second step has committed, so the third sees it; what
    commits later leaves its note. And a signer that was overtaken since the first stores nothing:
    it may have read the keys before a revocation that the other one published.
    """
    stored = StatusList.objects.filter(number=number).values_list("revision", flat=True).first()
    notes = list(StatusListChange.objects.filter(number=number).values_list("pk", flat=True))
    at = now()
    content = _read(number, at)
    expires_at = at + max(LIFETIMES * settings.STATUS_LIST_TTL, SHORTEST_LIFE)
    token = _sign(number, content.statuses, signer, at, expires_at)
    renew_at = min(filter(None, [at + renewal(), content.next_end]))
    failpoint("status_list.signed")
    fields = {
        "token": token, "kid": signer.kid, "signed_at": at, "renew_at": renew_at, "expires_at": expires_at,
    }  # fmt: skip
    with transaction.atomic():
        if not _store(number, stored, fields):
            return False
        for start in range(0, len(notes), BATCH):
            StatusListChange.objects.filter(pk__in=notes[start : start + BATCH]).delete()
    return True


def _read(number: int, at: datetime) -> _Content:
    """The bits of a list: 1 for what introspection refuses other than because it has expired."""
    held = range(number * LIST_SIZE, (number + 1) * LIST_SIZE)
    unexpired = Q(expires_at=None) | Q(expires_at__gt=at - KEPT_AFTER_EXPIRY)
    ids = []
    # Before the revoked ones: a key that goes from here to there meanwhile is in both, and not in neither.
    # The overlaps of all lists, which are few: asked for a range of ids, SQLite reads every active key.
    replaced = IssuedKey.objects.filter(status=Status.ACTIVE, retires_at__isnull=False).order_by("retires_at")
    next_end = None
    for key, retires_at in replaced.values_list("id", "retires_at"):
        if key not in held:
            continue
        assert retires_at is not None  # asked for above
        if retires_at > at:
            next_end = retires_at
            break
        ids.append(key)
    revoked = IssuedKey.objects.filter(
        unexpired, status__in=[Status.REVOKING, Status.REVOKED], id__gte=held.start, id__lt=held.stop
    )
    ids += revoked.order_by().values_list("id", flat=True)
    return _Content(Statuses.of_keys(number, ids, data_key("status-index")), next_end)


def _sign(
    number: int, statuses: Statuses, signer: KeyMaterial, issued_at: datetime, expires_at: datetime
) -> str:
    """The list as a JWT (section 5.1 of the draft).

    ``iss`` is not the keys' issuer: a list is public and signed by a key of the JWKS, so at a
    gateway that looks at signature, issuer and expiry alone it would otherwise pass for a key.
    """
    claims = {
        "iss": status_lists_uri(),
        "sub": status_list_uri(number),
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "ttl": max(1, int(settings.STATUS_LIST_TTL.total_seconds())),
        "status_list": statuses.claim(),
    }
    return sign(claims, key=signer.key, kid=signer.kid, algorithm=signer.algorithm, typ=LIST_TYPE)


def _store(number: int, stored: int | None, fields: dict[str, object]) -> bool:
    if stored is None:
        return StatusList.objects.get_or_create(number=number, defaults=fields)[1]
    unchanged = StatusList.objects.filter(number=number, revision=stored)
    return bool(unchanged.update(**fields, revision=F("revision") + 1))
