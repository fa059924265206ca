"""The schedule: what is done every so often, by whichever worker comes first.

Any number of workers on many hosts look at it. Each job runs at one of them at a time and once
an interval; one that was killed is repeated as soon as its lease has ended.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.process import is_gone, this_process
from portal.core.stopping import stopping
from portal.jobs.heartbeat import KeptLease
from portal.jobs.scheduled.mail import JOB as MAIL
from portal.jobs.scheduled.mail import is_mail_due, send_notices
from portal.jobs.scheduled.reconcile import reconcile_plugins
from portal.models import ScheduledJob
from portal.services.keys.expire import expire_keys
from portal.services.keys.unrevealed import revoke_unrevealed
from portal.services.plugins import look_at_plugins
from portal.services.purge import purge
from portal.services.reminders import prepare_reminders
from portal.services.signing_keys.upkeep import keep_signing_keys
from portal.services.status_lists import is_any_list_stale, publish_status_lists

log = structlog.get_logger("portal.schedule")
LEASE = timedelta(seconds=30)
BEAT = timedelta(seconds=10)
FAILED_AGAIN_AFTER = timedelta(minutes=5)
FAILED_REST = timedelta(seconds=5)
"""No failing job is tried again sooner, however urgent: each failure is a traceback in the log."""
SKEW = timedelta(seconds=10)
"""So far the clocks of two hosts may differ without either taking the other's plan for nonsense."""


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Job:
    """``run`` may be repeated and may be cut short between two of its transactions.

    ``has_work`` is asked before anything is reserved: of a job that is always due, nearly all runs
    would do nothing but write that they ran.
    """

    name: str
    every: timedelta
    run: Callable[[], object]
    has_work: Callable[[], bool] = _always


JOBS = (
    Job("signing_keys", timedelta(minutes=1), keep_signing_keys),
    Job("expiry", timedelta(minutes=1), expire_keys),
    Job("unrevealed_secrets", timedelta(minutes=10), revoke_unrevealed),
    Job("reminders", timedelta(minutes=10), prepare_reminders),
    Job(MAIL, timedelta(seconds=5), send_notices, has_work=is_mail_due),
    Job("plugin_health", timedelta(minutes=1), look_at_plugins),
    Job("reconcile", timedelta(days=1), reconcile_plugins),
    Job("purge", timedelta(hours=1), purge),
)
URGENT = (Job("status_lists", timedelta(seconds=0.5), publish_status_lists, has_work=is_any_list_stale),)
"""What can't wait for a job of ``JOBS`` that takes minutes. Workers have a thread for each of the two."""


def run_due_jobs(jobs: Iterable[Job] = JOBS) -> bool:
    """Run the job that has been due for longest, if there is one; whether there was.

    One query when nothing is due, and none when no job has work. Raises only when the database is
    away; the job's lease then runs out and it is repeated.
    """
    by_name = {job.name: job for job in jobs if job.has_work()}
    if not by_name:
        return False
    rows = list(ScheduledJob.objects.filter(name__in=by_name))
    if len(rows) < len(by_name):
        missing = by_name.keys() - {row.name for row in rows}
        ScheduledJob.objects.bulk_create([ScheduledJob(name=name) for name in missing], ignore_conflicts=True)
        return True
    for row in sorted(rows, key=lambda row: row.run_after):
        job = by_name[row.name]
        if _is_due(row, job) and _is_free(row) and (mine := _reserve(row)):
            failpoint("job.reserved")
            _run(job, mine)
            return True
    return False


def _is_due(row: ScheduledJob, job: Job) -> bool:
    """A plan further ahead than the interval was made before the clock was put back: it doesn't count."""
    return not now() < row.run_after <= now() + max(job.every, FAILED_REST) + SKEW


def _is_free(row: ScheduledJob) -> bool:
    if row.lease_until is None or not now() < row.lease_until <= now() + LEASE + SKEW:
        return True
    return is_gone(row.owner)


def _reserve(row: ScheduledJob) -> ScheduledJob | None:
    """Take the job by one conditional UPDATE, or None when another worker was faster."""
    seen = ScheduledJob.objects.filter(
        pk=row.pk, run_after=row.run_after, owner=row.owner, lease_until=row.lease_until
    )
    row.owner, row.started_at, row.lease_until = this_process(), now(), now() + LEASE
    taken = seen.update(owner=row.owner, started_at=row.started_at, lease_until=row.lease_until)
    return row if taken else None


def _run(job: Job, row: ScheduledJob) -> None:
    mine = ScheduledJob.objects.filter(pk=row.pk, owner=row.owner, started_at=row.started_at)
    error = ""
    try:
        with KeptLease(mine, lease=LEASE, every=BEAT):
            job.run()
    except Exception as exc:  # the worker's loop: one job's failure doesn't stop the others
        log.exception("job.failed", job=job.name)
        error = type(exc).__name__
    # Reserved by another meanwhile, when this process was frozen for long: then nothing is written.
    mine.update(
        owner="",
        lease_until=None,
        finished_at=now(),
        error=error,
        run_after=_next_run(job, failed=bool(error)),
    )


def _next_run(job: Job, *, failed: bool) -> datetime:
    """Planned from now on, so that runs missed meanwhile aren't made up for."""
    if stopping.is_set():
        return now()  # it may have been cut short: another worker goes on at once
    return now() + (max(FAILED_REST, min(job.every, FAILED_AGAIN_AFTER)) if failed else job.every)
