"""Turns at providers: one bucket a kind of call, shared by all processes through the database."""

from datetime import timedelta

from django.db import transaction

from portal.core.clock import now
from portal.core.metrics import RATE_WAITS
from portal.core.plugins import registry
from portal.core.stopping import Stopping, stopping
from portal.models import RateBucket
from provisioning.contract import Rate
from provisioning.errors import Transient

LONGEST_WAIT_SECONDS = 5.0
"""A turn further off is not waited for: the operation gives its place to another."""
LONGEST_HOLD = timedelta(hours=1)
LONGEST_QUEUE = timedelta(minutes=15)
"""Turns are not given out further ahead: one that was is from before the clock was put back."""


class DatabaseRates:
    """``Rates`` whose buckets are rows. The generic cell rate algorithm: a row holds the next free turn.

    Each turn is given out in a transaction of its own, so all processes together keep the rate.
    """

    def take(self, bucket: str, rate: Rate) -> None:
        waited, wait = 0.0, _reserve(bucket, rate, longest_wait=LONGEST_WAIT_SECONDS)
        while wait > 0:
            if stopping.wait(wait):
                raise Stopping
            waited += wait
            # Told to be quiet meanwhile: a turn that was given before that doesn't count.
            left = LONGEST_WAIT_SECONDS - waited
            wait = _reserve(bucket, rate, longest_wait=left) if _is_held(bucket) else 0
        # Buckets' names begin with the slug.
        plugin = next((slug for slug in registry().slugs if bucket.startswith(slug)), "other")
        RATE_WAITS.labels(plugin).observe(waited)

    def hold(self, bucket: str, time: timedelta) -> None:
        until = (now() + min(time, LONGEST_HOLD)).timestamp()
        with transaction.atomic():
            row = _locked(bucket)
            if until > row.held_until or row.held_until > _latest_hold():
                row.held_until = until
                row.save(update_fields=["held_until"])


def _latest_hold() -> float:
    """A hold beyond this is from before the clock was put back."""
    return (now() + LONGEST_HOLD).timestamp()


def _is_held(bucket: str) -> bool:
    return RateBucket.objects.filter(
        name=bucket, held_until__gt=now().timestamp(), held_until__lte=_latest_hold()
    ).exists()


def _reserve(bucket: str, rate: Rate, *, longest_wait: float) -> float:
    """Take the next turn and return how many seconds it is off; ``Transient`` when that is too long."""
    present, interval = now().timestamp(), 1 / rate.per_second
    with transaction.atomic():
        row = _locked(bucket)
        free_at = row.next_at
        if free_at > present + LONGEST_QUEUE.total_seconds() + interval:
            free_at = present
        held = row.held_until if row.held_until <= _latest_hold() else 0
        turn = max(free_at, present - (rate.burst - 1) * interval, held)
        wait = turn - present
        if wait > longest_wait:
            raise Transient(
                "rate_limited",
                "The provider's rate limit is used up for now.",
                retry_after=timedelta(seconds=wait),
            )
        row.next_at = turn + interval
        row.save(update_fields=["next_at"])
    return wait


def _locked(bucket: str) -> RateBucket:
    found = RateBucket.objects.select_for_update(no_key=True).filter(name=bucket).first()
    if found is None:
        RateBucket.objects.bulk_create([RateBucket(name=bucket)], ignore_conflicts=True)
        found = RateBucket.objects.select_for_update(no_key=True).get(name=bucket)
    return found
