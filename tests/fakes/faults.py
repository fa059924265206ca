"""How a fake fails: settings that a test changes at run time, and the dice."""

import math
import random
import threading
import time
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Self


class Fault(Enum):
    """What happens to one request; None of them is a request that simply works."""

    SLOW = "commits after a while and answers then, even when the client is gone"
    DROP_BEFORE = "closes the connection and does nothing"
    DROP_AFTER = "commits and closes the connection without an answer"
    DROP_LATE = "closes the connection at once and commits after a while"
    HANG = "commits after a while and never answers"
    TOO_MANY = "429, nothing done"
    UNAVAILABLE = "503, nothing done"
    BROKEN = "500, which says nothing about what was done"
    ODD = "commits, and answers what no client expects: the right ids with members of wrong types"


_OF_WRITES = (Fault.SLOW, Fault.DROP_LATE, Fault.ODD)


@dataclass(frozen=True)
class Faults:
    """Probabilities from 0 to 1 a request, seconds, and what else is wrong with the fake."""

    slow: float = 0
    drop_before: float = 0
    drop_after: float = 0
    drop_late: float = 0
    hang: float = 0
    too_many: float = 0
    unavailable: float = 0
    broken: float = 0
    odd: float = 0
    late_least_seconds: float = 0
    """Late commits come this long after the request …"""
    late_most_seconds: float = 3
    """… to this long."""
    hang_seconds: float = 12
    storm_seconds: float = 0.5
    """After a 429 everybody gets 429 for this long."""
    lookup_lag_seconds: float = 0
    """What was created is found in lists only after this time."""
    rate_per_second: float = 0
    """More requests than this are answered 429 and counted as violations; 0 is no limit."""
    rate_burst: int = 5
    early_grace_seconds: float = 0.05
    """What arrives this long after a 429 with Retry-After was under way already; later is early."""
    only: str = ""
    """Faults happen only to paths that start with this."""
    seed: int = 0

    @classmethod
    def from_json(cls, members: dict[str, Any]) -> Self:
        """Raises ``ValueError`` for a member that is not one of ours."""
        unknown = set(members) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"no such faults: {', '.join(sorted(unknown))}")
        return cls(**members)


class Dice:
    """Decides each request's fate by a seeded generator."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._random = random.Random(faults.seed)
        self._lock = threading.Lock()
        self._storm_until = 0.0
        self._tokens, self._filled_at = float(faults.rate_burst), time.monotonic()

    def fate(self, path: str, *, write: bool) -> Fault | None:
        if not path.startswith(self.faults.only):
            return None
        with self._lock:
            if time.monotonic() < self._storm_until:
                return Fault.TOO_MANY
            thrown = self._random.random()
            for fault in Fault:
                thrown -= getattr(self.faults, fault.name.lower())
                if thrown < 0:
                    return self._chosen(fault, write=write)
        return None

    def late_seconds(self) -> float:
        with self._lock:
            return self._random.uniform(self.faults.late_least_seconds, self.faults.late_most_seconds)

    def retry_seconds(self) -> int:
        """What a 429's Retry-After says: the rest of the storm in whole seconds, at least one."""
        with self._lock:
            return max(1, math.ceil(self._storm_until - time.monotonic()))

    def coin(self) -> bool:
        with self._lock:
            return self._random.random() < 0.5

    def within_rate(self) -> bool:
        """Whether this request keeps the rate limit (a token bucket)."""
        if not self.faults.rate_per_second:
            return True
        with self._lock:
            present = time.monotonic()
            earned = (present - self._filled_at) * self.faults.rate_per_second
            self._tokens, self._filled_at = min(self._tokens + earned, self.faults.rate_burst), present
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def _chosen(self, fault: Fault, *, write: bool) -> Fault | None:
        if fault is Fault.TOO_MANY:
            self._storm_until = time.monotonic() + self.faults.storm_seconds
        # Reading commits nothing, so late commits and odd answers to them mean nothing to it.
        return None if fault in _OF_WRITES and not write else fault
