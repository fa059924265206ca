"""Operations that a person should look at: asked for by the overview and by the list's filter."""

from datetime import timedelta

from django.db.models import Q

from portal.core.clock import now
from portal.models import Operation

State = Operation.State
STUCK_AFTER = timedelta(minutes=10)


def stopped() -> Q:
    """They wait for a person."""
    return Q(state=State.NEEDS_ATTENTION)


def failing() -> Q:
    """Their last run failed; the portal tries again by itself."""
    return Q(state=State.RETRYING)


def stuck() -> Q:
    """Due for long, and no worker took them up."""
    return Q(state__in=Operation.WAITING, run_after__lte=now() - STUCK_AFTER)


def is_stuck(operation: Operation) -> bool:
    due = operation.run_after
    return operation.state in Operation.WAITING and due is not None and due <= now() - STUCK_AFTER
