"""Limits that protect something: exact over any window, across processes, in SQL on both databases.

A limit of 30 a minute has 30 slots a subject, and each slot lets one in a minute: whatever happens at
once, no window of a minute holds more. A count a subject says whose turn it is, the slot that was
taken longest ago; its row is locked until the transaction ends, so two never decide together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
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
    ON CONFLICT (subject) DO UPDATE SET number = held.number + excluded.number, free_at = excluded.free_at
    RETURNING subject, number
"""
_TAKEN = """
    SELECT subject, slot, free_at FROM (VALUES {rows}) AS wanted CROSS JOIN {table} AS held
    WHERE held.subject = wanted.column1 AND held.slot = wanted.column2
"""
"""A cross join, so that SQLite looks each of them up in the index; with ``IN`` it reads the table."""
_TAKE = """
    INSERT INTO {table} (subject, slot, free_at) VALUES {rows}
    ON CONFLICT (subject, slot) DO UPDATE SET free_at = excluded.free_at
"""
Slot = tuple[str, int]


def admit(subjects: Sequence[Subject]) -> dict[Subject, timedelta]:
    """Let one caller in; empty when it is, else the subjects whose limit is used up, and for how long.

    Who is refused for one subject is counted for none. Runs inside the caller's transaction.
    """
    return admit_all([subjects])[0]


def admit_all(callers: Sequence[Sequence[Subject]]) -> list[dict[Subject, timedelta]]:
    """The same for several callers, one after another, in as many statements as for one.

    Subjects are locked in the order of their names: two transactions never wait for each other.
    """
    wanted = Counter(subject for caller in callers for subject in caller)
    subjects = sorted(wanted, key=lambda subject: subject.name)
    with connection.cursor() as cursor:
        numbers = _count(cursor, [(subject, wanted[subject]) for subject in subjects])
        present = now().timestamp()  # read under the locks: nobody waits between this and the slots
        firsts = {subject: numbers[subject.name] - wanted[subject] + 1 for subject in subjects}
        turns = _Turns(firsts, _free_at(cursor, firsts, wanted), present)
        refused = [turns.admit(caller) for caller in callers]
        if turns.taken:
            cursor.execute(
                *_statement(_TAKE, AdmissionSlot, [(*slot, at) for slot, at in turns.taken.items()])
            )
        if any(refused):
            # Whose turn it was, it is again.
            unused = [(subject, turns.admitted[subject] - wanted[subject]) for subject in subjects]
            _count(cursor, [(subject, number) for subject, number in unused if number])
    return refused


class _Turns:
    """Decides, with all that is asked for locked and read."""

    def __init__(self, firsts: Mapping[Subject, int], free_at: Mapping[Slot, float], present: float) -> None:
        self._firsts, self._free_at, self._present = firsts, free_at, present
        self.admitted: Counter[Subject] = Counter()
        self.taken: dict[Slot, float] = {}

    def admit(self, caller: Sequence[Subject]) -> dict[Subject, timedelta]:
        slots = {subject: self._slot(subject) for subject in caller}
        refused = {
            subject: timedelta(seconds=free_at - self._present)
            for subject, slot in slots.items()
            if (free_at := self._taken_until(subject, slot)) > self._present
        }
        if not refused:
            for subject, slot in slots.items():
                self.admitted[subject] += 1
                self.taken[slot] = _ends(subject, self._present)
        return refused

    def _slot(self, subject: Subject) -> Slot:
        return _slot(subject, self._firsts[subject] + self.admitted[subject])

    def _taken_until(self, subject: Subject, slot: Slot) -> float:
        """Until when, at the least; beyond its window only from before the clock was put back."""
        free_at = self.taken.get(slot) or self._free_at.get(slot, 0)
        return 0 if free_at > _ends(subject, self._present) + SKEW.total_seconds() else free_at


def _count(cursor: CursorWrapper, more: Sequence[tuple[Subject, int]]) -> dict[str, int]:
    """Count so many more of each subject, and lock them; returns the numbers by name."""
    rows = [(subject.name, number, _ends(subject, now().timestamp())) for subject, number in more]
    cursor.execute(*_statement(_COUNTS, AdmissionCount, rows))
    return dict(cursor.fetchall())


def _free_at(
    cursor: CursorWrapper, firsts: Mapping[Subject, int], wanted: Mapping[Subject, int]
) -> dict[Slot, float]:
    """Of every slot that may be taken, where it was taken before."""
    slots = [
        _slot(subject, first + turn)
        for subject, first in firsts.items()
        for turn in range(min(wanted[subject], subject.limit.most))
    ]
    cursor.execute(*_statement(_TAKEN, AdmissionSlot, slots))
    return {(subject, slot): free_at for subject, slot, free_at in cursor.fetchall()}


def _slot(subject: Subject, number: int) -> Slot:
    return subject.name, number % subject.limit.most


def _ends(subject: Subject, present: float) -> float:
    return present + subject.limit.window.total_seconds()


def _statement(
    template: str, model: type[Model], rows: Sequence[tuple[object, ...]]
) -> tuple[str, list[Any]]:
    """The statement for those rows, and its parameters."""
    marks = ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)
    return template.format(table=model._meta.db_table, rows=marks), [value for row in rows for value in row]
