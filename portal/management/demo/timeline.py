"""A month that passes in seconds: stories take turns, and the portal's clock goes where they are."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

from portal.core.clock import set_clock
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_operation
from portal.models import Operation

Story = Iterator[datetime]
"""Does something at each instant that it yields; told further only then."""


class Timeline:
    """Runs stories in the order of their instants until ``ends_at``; what comes later is not told."""

    def __init__(self, starts_at: datetime, ends_at: datetime) -> None:
        self.at, self.ends_at = starts_at, ends_at
        self._order = count()
        self._waiting: list[tuple[datetime, int, Story]] = []

    def begin(self, story: Story) -> None:
        """Let a story take part; it begins by yielding its first instant."""
        self._wait(story)

    def run(self) -> None:
        set_clock(lambda: self.at)
        try:
            while self._waiting:
                at, _, story = heapq.heappop(self._waiting)
                self._work_until(at)
                self.at = max(self.at, at)
                self._wait(story)
        finally:
            set_clock(None)

    def later(self, **span: float) -> datetime:
        return self.at + timedelta(**span)

    def _wait(self, story: Story) -> None:
        at = next(story, None)
        if at is not None and at <= self.ends_at:
            heapq.heappush(self._waiting, (at, next(self._order), story))

    def _work_until(self, at: datetime) -> None:
        """What a worker would have done meanwhile, such as ending a rotation's overlap."""
        waiting = Operation.objects.filter(state__in=Operation.WAITING, run_after__lte=at)
        while (due := waiting.order_by("run_after").first()) is not None:
            assert due.run_after is not None
            self.at = max(self.at, due.run_after + timedelta(seconds=1))
            operation = claim_operation()
            if operation is None:
                return
            run_operation(operation)
