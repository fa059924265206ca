"""Re-encrypting what is stored sealed under the newest of ``PORTAL_SEALING_KEYS``."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from django.db import connection, models, transaction

from portal.core.errors import Unavailable
from portal.core.keyed_hashes import keyed_hash
from portal.core.sealing import resealed, unseal
from portal.models import Call, DataKey, IdempotencyRecord, IssuedKey, PhoneToken, SigningKey
from portal.models.phone_token import PHONE


class Sealed(NamedTuple):
    """A field that holds what ``core.sealing.seal`` answered, or a JSON field with it in one member.

    ``hashed`` is a field with a keyed hash of the same text, by which rows are found, and what it is
    hashed as: it is made anew together with the seal.
    """

    model: type[models.Model]
    field: str
    member: str = ""
    hashed: tuple[str, str] | None = None

    @property
    def fields(self) -> list[str]:
        return [self.field, self.hashed[0]] if self.hashed else [self.field]

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def rows(self) -> "models.QuerySet[Any]":
        """Those with something sealed."""
        found = self.model._default_manager.order_by("pk")
        if self.member:
            return found.filter(**{f"{self.field}__has_key": self.member})
        return found.exclude(**{self.field: ""})

    def read(self, row: models.Model) -> str:
        value = getattr(row, self.field)
        return str(value.get(self.member, "") if self.member else value)

    def write(self, row: models.Model, sealed: str) -> None:
        value = {**getattr(row, self.field), self.member: sealed} if self.member else sealed
        setattr(row, self.field, value)
        if self.hashed:
            name, purpose = self.hashed
            setattr(row, name, keyed_hash(purpose, unseal(sealed).reveal()))


SEALED = (
    Sealed(DataKey, "sealed_key"),
    Sealed(SigningKey, "sealed_private"),
    Sealed(IssuedKey, "sealed_secret"),
    Sealed(Call, "sealed_secret"),
    Sealed(IdempotencyRecord, "sealed_answer"),
    Sealed(PhoneToken, "sealed_number", hashed=("phone_hash", PHONE)),
    Sealed(Authenticator, "data", "secret"),
    Sealed(Authenticator, "data", "seed"),
)
"""All there are; a test misses one that isn't here."""

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
    for place in SEALED:
        held = _round(place, None, done)
        while held:
            time.sleep(PAUSE_SECONDS)
            held = _round(place, held, done)
    return done


def _round(place: Sealed, only: set[int] | None, done: Rotation) -> set[int]:
    """Go through the table once, or through those rows; returns the rows that somebody else held."""
    held: set[int] = set()
    last = 0
    while True:
        rows = place.rows().filter(pk__gt=last)
        if only is not None:
            rows = rows.filter(pk__in=only)
        batch = list(rows.values_list("pk", flat=True)[:BATCH])
        if not batch:
            return held
        held |= _reseal(place, batch, done)
        last = batch[-1]


def _reseal(place: Sealed, batch: list[int], done: Rotation) -> set[int]:
    model, table, found = place.model, place.table, Rotation()
    with transaction.atomic():
        rows = model._default_manager.filter(pk__in=batch).order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, no_key=True)
        changed, seen = [], set()
        for row in rows.only(*place.fields):
            seen.add(row.pk)
            sealed = place.read(row)
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
            place.write(row, new)
            changed.append(row)
        model._default_manager.bulk_update(changed, place.fields)
        found.resealed[table] += len(changed)
    _add(done, found)
    gone = set(batch) - seen
    return set(model._default_manager.filter(pk__in=gone).values_list("pk", flat=True)) if gone else set()


def _add(done: Rotation, found: Rotation) -> None:
    """Only what is committed counts."""
    done.resealed += found.resealed
    done.current += found.current
    done.unopened += found.unopened
