"""The schedule with many workers at once, and with one that is killed."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Count

from portal.core.clock import now
from portal.jobs.schedule import Job, run_due_jobs
from portal.models import AuditEvent, IssuedKey, ScheduledJob
from portal.services.audit import broken_entries
from portal.services.keys.expire import expire_keys
from tests.concurrency.database import url_of_test_database
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
EXPIRY = Job("expiry", timedelta(minutes=1), expire_keys)
KILLED_AT = """
import os, signal, sys
import django; django.setup()
from portal.core.failpoints import on_failpoint
from portal.jobs.schedule import JOBS, run_due_jobs
on_failpoint(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == sys.argv[1] else None)
while run_due_jobs([job for job in JOBS if job.name == "expiry"]):
    pass
"""


def test_one_of_many_workers_runs_a_job() -> None:
    """The others find it taken, while it runs."""
    runs, others_are_done = [], threading.Event()

    def run() -> None:
        runs.append(threading.get_ident())
        assert others_are_done.wait(60)

    def look(number: int) -> bool:
        try:
            return run_due_jobs([Job("long", timedelta(hours=1), run)])
        finally:
            connection.close()

    ScheduledJob.objects.create(name="long")
    with ThreadPoolExecutor(WORKERS) as pool:
        looking = {pool.submit(look, number) for number in range(WORKERS)}
        try:
            while len(looking) > 1:
                done, looking = wait(looking, timeout=30, return_when=FIRST_COMPLETED)
                assert done, f"{len(looking)} workers run it at the same time"
        finally:
            others_are_done.set()
    assert len(runs) == 1
    assert ScheduledJob.objects.get().run_after > now() + timedelta(minutes=59)


def expired_keys(count: int) -> None:
    customers = CustomerFactory.create_batch(2)
    past = now() - timedelta(hours=1)
    IssuedKey.objects.bulk_create(
        IssuedKey(
            customer=customers[number % 2], name="k", plugin="jwt", status="active", activated_at=past,
            expires_at=past, fingerprint=str(number),
        )
        for number in range(count)
    )  # fmt: skip


@pytest.mark.parametrize(("failpoint", "done_before"), [("job.reserved", 0), ("batch.committed", 500)])
def test_a_job_that_is_killed_is_repeated_at_once(failpoint: str, done_before: int) -> None:
    expired_keys(700)
    environ = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, failpoint],
        env=environ,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert IssuedKey.objects.filter(status="expired").count() == done_before

    while run_due_jobs([EXPIRY]):
        pass
    assert IssuedKey.objects.filter(status="expired").count() == 700
    told = AuditEvent.objects.filter(action="key.expired").values("object").annotate(times=Count("id"))
    assert told.count() == 700
    assert not told.filter(times__gt=1).exists()
    assert list(broken_entries()) == []
