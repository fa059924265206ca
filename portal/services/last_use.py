"""When keys were last used: noted in memory, written in batches."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.core.clock import now
from portal.models import IssuedKey

NOTED_EVERY = timedelta(minutes=1)
MOST_KEYS = 100_000
BATCH = 500


class LastUses:
    """Last uses that wait to be written."""

    def __init__(self) -> None:
        self._uses: dict[int, datetime] = {}
        self._lock = threading.Lock()
        self._one_flush = threading.Lock()

    def __len__(self) -> int:
        """How many keys' uses wait."""
        return len(self._uses)

    def note(self, key: IssuedKey) -> None:
        """The key was used now. Noted once a minute, and beyond 100,000 waiting keys not at all."""
        if key.last_used_at is not None and key.last_used_at + NOTED_EVERY > now():
            return
        self._keep({key.pk: now()})

    def flush(self) -> None:
        """Write what waits. May be repeated: no key's last use is ever moved back.

        Raises Django's ``Error`` when the database is away; what wasn't written goes on waiting.
        """
        with self._one_flush:
            with self._lock:
                left, self._uses = self._uses, {}
            try:
                for used_at, keys in _batches(left):
                    locked = _write(used_at, keys)
                    for key in locked.symmetric_difference(keys):
                        del left[key]
            finally:
                self._keep(left)

    def _keep(self, uses: dict[int, datetime]) -> None:
        """The later of two uses of a key counts."""
        with self._lock:
            for key, used_at in uses.items():
                if key in self._uses or len(self._uses) < MOST_KEYS:
                    self._uses[key] = max(used_at, self._uses.get(key, used_at))


def _batches(uses: dict[int, datetime]) -> Iterator[tuple[datetime, list[int]]]:
    """The keys of each second, so that one statement writes many: nobody shows parts of a second."""
    by_second: dict[datetime, list[int]] = defaultdict(list)
    for key, used_at in uses.items():
        by_second[used_at.replace(microsecond=0)].append(key)
    for used_at, keys in by_second.items():
        for start in range(0, len(keys), BATCH):
            yield used_at, keys[start : start + BATCH]


def _write(used_at: datetime, keys: list[int]) -> set[int]:
    """Returns the keys whose rows somebody has locked just now: they have to be written later.

    Waiting for them with other rows in hand could end in a deadlock, and a revocation be its victim.
    """
    rows = IssuedKey.objects.order_by().filter(pk__in=keys)
    with transaction.atomic():
        free = rows.select_for_update(skip_locked=True, no_key=True)
        taken = list(free.values_list("pk", flat=True))
        older = Q(last_used_at=None) | Q(last_used_at__lt=used_at)
        IssuedKey.objects.filter(older, pk__in=taken).update(last_used_at=used_at)
        if len(taken) == len(keys):
            return set()
        return set(rows.values_list("pk", flat=True)) - set(taken)
