"""Is this process ready to serve? For load balancers; no detail leaves."""

from datetime import timedelta
from urllib.parse import parse_qs

import structlog
from django.db import DatabaseError, connection

from portal.core.clock import now
from portal.core.metrics import DATABASE_ERRORS
from portal.core.plugins import signing_source
from portal.models import SigningKey, WorkerSeen

log = structlog.get_logger("portal.health")
WORKER_SILENT_FOR = timedelta(seconds=30)


def readiness(query: str) -> bool:
    """Database and signing key; with ``worker=1`` also a worker that was seen lately."""
    try:
        ready = SigningKey.objects.filter(source=signing_source(), state=SigningKey.State.ACTIVE).exists()
        if ready and parse_qs(query).get("worker") == ["1"]:
            ready = WorkerSeen.objects.filter(seen_at__gte=now() - WORKER_SILENT_FOR).exists()
    except DatabaseError as exc:
        log.warning("health.database_away", error=type(exc).__name__)
        DATABASE_ERRORS.labels("health").inc()
        return False
    finally:
        connection.close()
    return ready
