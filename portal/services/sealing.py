"""Re-encrypting what is stored sealed under the newest of ``PORTAL_SEALING_KEYS``."""

import time
from collections import Counter
from dataclasses import dataclass, field

from django.db import connection, models, transaction

from portal.core.errors import Unavailable
from portal.core.sealing import resealed
from portal.models import Call, DataKey, IdempotencyRecord, IssuedKey, SigningKey

SEALED: tuple[tuple[type[models.Model], str], ...] = (
    (DataKey, "sealed_key"),
    (SigningKey, "sealed_private"),
    (IssuedKey, "sealed_secret"),
    (Call, "sealed_secret"),
    (IdempotencyRecord, "sealed_answer"),
)
"""Every field that holds what ``core.sealing.seal`` answered; a test misses one that isn't here."""

BATCH = 200
PAUSE_SECONDS = 0.05
"""Before asking again for rows that somebody else held."""


@dataclass
class Rotation:
    """What came of it, by table; ``unopened`` are values that none of the keys opens, by primary key."""

    resealed: Counter[str] = field(default_factory=Counter)
    current: Counter[str] = field(default_factory=Counter)
    unopened: list[tuple[str, int]] = field(default_factory=list)


def rotate_sealing_key() -> Rotation:
    """Seal every stored secret anew that is not under the newest key. May be killed and repeated.

    A batch is one short transaction. It takes the rows that nobody else holds and waits for
    none, so that it can't be part of a deadlock whatever order others lock in; the rows that
    were held come in a later round.
    """
    done = Rotation()
    for model, name in SEALED:
        held = _round(model, name, None, done)
        while held:
            time.sleep(PAUSE_SECONDS)
            held = _round(model, name, held, done)
    return done


def _round(model: type[models.Model], name: str, only: set[int] | None, done: Rotation) -> set[int]:
    """Go through the table once, or through those rows; returns the rows that somebody else held."""
    held: set[int] = set()
    last = 0
    while True:
        rows = model._default_manager.filter(pk__gt=last).exclude(**{name: ""}).order_by("pk")
        if only is not None:
            rows = rows.filter(pk__in=only)
        batch = list(rows.values_list("pk", flat=True)[:BATCH])
        if not batch:
            return held
        held |= _reseal(model, name, batch, done)
        last = batch[-1]


def _reseal(model: type[models.Model], name: str, batch: list[int], done: Rotation) -> set[int]:
    table, found = model._meta.db_table, Rotation()
    with transaction.atomic():
        rows = model._default_manager.filter(pk__in=batch).order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, no_key=True)
        changed, seen = [], set()
        for row in rows.only(name):
            seen.add(row.pk)
            sealed = getattr(row, name)
            if not sealed:
                continue  # revealed meanwhile
            try:
                new = resealed(sealed)
            except Unavailable:
                found.unopened.append((table, row.pk))
                continue
            if new is None:
                found.current[table] += 1
                continue
            setattr(row, name, new)
            changed.append(row)
        model._default_manager.bulk_update(changed, [name])
        found.resealed[table] += len(changed)
    _add(done, found)
    gone = set(batch) - seen
    return set(model._default_manager.filter(pk__in=gone).values_list("pk", flat=True)) if gone else set()


def _add(done: Rotation, found: Rotation) -> None:
    """Only what is committed counts."""
    done.resealed += found.resealed
    done.current += found.current
    done.unopened += found.unopened
