"""Limits that protect something: exact over any window, across processes, in SQL on both databases.

A limit of 30 a minute has 30 slots a subject, and each slot lets one in a minute: whatever happens at
once, no window of a minute holds more. A count a subject says whose turn it is, the slot that was
taken longest ago; its row is locked until the transaction ends, so two never decide together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Model

from portal.core.clock import now
from portal.core.limits import Limit
from portal.models import AdmissionCount, AdmissionSlot

SKEW = timedelta(seconds=5)
"""A slot that is taken for longer than its window and this was taken before the clock was put back."""


@dataclass(frozen=True)
class Subject:
    """Who is limited, by a name of at most 48 characters that tells nobody who that is."""

    name: str
    limit: Limit


_COUNTS = """
    INSERT INTO {table} AS held (subject, number, free_at) VALUES {rows}
    ON CONFLICT (subject) DO UPDATE SET number = held.number + 1, free_at = excluded.free_at
    RETURNING subject, number
"""
_SLOTS = """
    INSERT INTO {table} AS held (subject, slot, free_at) VALUES {rows}
    ON CONFLICT (subject, slot) DO UPDATE SET free_at = excluded.free_at
    WHERE held.free_at <= %s OR held.free_at > excluded.free_at + %s
    RETURNING subject
"""


def admit(subjects: Sequence[Subject]) -> dict[Subject, timedelta]:
    """Let one in for each subject; returns those whose limit is used up, and for how long.

    Runs inside the caller's transaction: when anybody is refused it has to be rolled back, which
    takes the others' admissions back, too. Callers name their subjects in one order, always.
    """
    with connection.cursor() as cursor:
        counted = [(subject.name, 1, _ends(subject, now().timestamp())) for subject in subjects]
        cursor.execute(*_statement(_COUNTS, AdmissionCount, counted))
        numbers: dict[str, int] = dict(cursor.fetchall())
        present = now().timestamp()  # read under the locks: nobody waits between this and the slots
        slots = {subject: numbers[subject.name] % subject.limit.most for subject in subjects}
        taken = [(subject.name, slot, _ends(subject, present)) for subject, slot in slots.items()]
        cursor.execute(*_statement(_SLOTS, AdmissionSlot, taken, present, SKEW.total_seconds()))
        admitted = {name for (name,) in cursor.fetchall()}
    return {
        subject: timedelta(seconds=_free_at(subject, slot) - present)
        for subject, slot in slots.items()
        if subject.name not in admitted
    }


def _ends(subject: Subject, present: float) -> float:
    return present + subject.limit.window.total_seconds()


def _statement(
    template: str, model: type[Model], rows: Sequence[tuple[object, ...]], *more: object
) -> tuple[str, list[Any]]:
    """The statement for those rows, and its parameters."""
    marks = ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)
    values = [value for row in rows for value in row]
    return template.format(table=model._meta.db_table, rows=marks), [*values, *more]


def _free_at(subject: Subject, slot: int) -> float:
    return AdmissionSlot.objects.values_list("free_at", flat=True).get(subject=subject.name, slot=slot)
