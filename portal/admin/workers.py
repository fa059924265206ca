"""Whether workers live, as their signs of life tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.clock import now
from portal.models import WorkerSeen

SILENT_AFTER = timedelta(seconds=30)
MOST = 100


@dataclass(frozen=True)
class Workers:
    running: int
    seen_at: datetime | None
    """The last sign of life of any worker; None when none is known."""


def workers() -> Workers:
    """How many showed life lately. One small query; rows of the silent are dropped after an hour."""
    seen = list(WorkerSeen.objects.order_by("-seen_at").values_list("seen_at", flat=True)[:MOST])
    alive = [at for at in seen if at > now() - SILENT_AFTER]
    return Workers(len(alive), seen[0] if seen else None)
