"""When the schedule runs which job, on whatever host, whatever happened to the last run."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from portal.core.process import this_process
from portal.core.stopping import stopping
from portal.jobs.schedule import (
    FAILED_AGAIN_AFTER,
    FAILED_REST,
    JOBS,
    LEASE,
    SKEW,
    URGENT,
    Job,
    run_due_jobs,
)  # fmt: skip
from portal.models import Membership, Notice, ScheduledJob
from portal.services.telling import tell_user
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ELSEWHERE = "another-host 1 1"


@pytest.fixture
def runs() -> list[str]:
    return []


@pytest.fixture
def jobs(runs: list[str], clock: Clock) -> tuple[Job, ...]:
    """Two jobs that only note that they ran."""
    return (
        Job("minutely", MINUTE, lambda: runs.append("minutely")),
        Job("daily", timedelta(days=1), lambda: runs.append("daily")),
    )


@pytest.fixture
def told_to_stop() -> Iterator[None]:
    stopping.set()
    yield
    stopping.clear()


def run_all(jobs: tuple[Job, ...]) -> None:
    while run_due_jobs(jobs):
        pass


def row(name: str = "minutely") -> ScheduledJob:
    return ScheduledJob.objects.get(name=name)


def test_every_job_runs_at_the_first_start(jobs: tuple[Job, ...], runs: list[str]) -> None:
    run_all(jobs)
    assert sorted(runs) == ["daily", "minutely"]


def test_each_runs_once_an_interval(jobs: tuple[Job, ...], runs: list[str], clock: Clock) -> None:
    run_all(jobs)
    run_all(jobs)
    clock.advance(seconds=59)
    run_all(jobs)
    assert runs.count("minutely") == 1
    clock.advance(seconds=1)
    run_all(jobs)
    assert (runs.count("minutely"), runs.count("daily")) == (2, 1)


def test_missed_runs_are_not_made_up_for(jobs: tuple[Job, ...], runs: list[str], clock: Clock) -> None:
    run_all(jobs)
    clock.advance(hours=5)
    run_all(jobs)
    assert runs.count("minutely") == 2
    assert row().run_after == clock() + MINUTE


def test_the_one_due_for_longest_comes_first(jobs: tuple[Job, ...], runs: list[str], clock: Clock) -> None:
    run_all(jobs)
    runs.clear()
    ScheduledJob.objects.filter(name="minutely").update(run_after=clock() - MINUTE)
    ScheduledJob.objects.filter(name="daily").update(run_after=clock() - 2 * MINUTE)
    assert run_due_jobs(jobs)
    assert runs == ["daily"]


def test_one_small_query_when_nothing_is_due(jobs: tuple[Job, ...], django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    run_all(jobs)
    with django_assert_num_queries(1):
        assert run_due_jobs(jobs) is False


def test_a_failing_job_stops_no_other_and_says_its_errors_type_alone(
    jobs: tuple[Job, ...], runs: list[str], clock: Clock
) -> None:
    def fail() -> None:
        raise ValueError("the secret is 1234")

    run_all((Job("failing", timedelta(days=1), fail), *jobs))
    assert sorted(runs) == ["daily", "minutely"]
    failed = row("failing")
    assert (failed.error, failed.owner, failed.lease_until) == ("ValueError", "", None)
    assert failed.run_after == clock() + FAILED_AGAIN_AFTER
    clock.advance(minutes=5)
    run_all((Job("failing", timedelta(days=1), lambda: None),))
    assert row("failing").error == ""
    assert row("failing").run_after == clock() + timedelta(days=1)


def test_an_urgent_job_that_fails_rests_all_the_same(clock: Clock) -> None:
    tries = []

    def fail() -> None:
        tries.append(clock())
        raise ValueError

    urgent = (Job("urgent", timedelta(milliseconds=500), fail),)
    run_all(urgent)
    clock.advance(seconds=FAILED_REST.total_seconds() - 1)
    run_all(urgent)
    assert len(tries) == 1
    clock.advance(seconds=1)
    run_all(urgent)
    assert len(tries) == 2


def test_without_work_nothing_is_asked(runs: list[str], django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    idle = Job("idle", MINUTE, lambda: runs.append("idle"), has_work=lambda: False)
    with django_assert_num_queries(0):
        assert run_due_jobs((idle,)) is False
    assert runs == []


def test_what_runs_elsewhere_is_left_alone(jobs: tuple[Job, ...], runs: list[str], clock: Clock) -> None:
    run_all(jobs)
    clock.advance(minutes=1)
    ScheduledJob.objects.update(owner=ELSEWHERE, lease_until=clock() + LEASE)
    run_all(jobs)
    assert runs.count("minutely") == 1


def test_a_lease_that_ran_out_is_taken_over(jobs: tuple[Job, ...], runs: list[str], clock: Clock) -> None:
    run_all(jobs)
    clock.advance(minutes=1)
    ScheduledJob.objects.update(owner=ELSEWHERE, lease_until=clock() + LEASE)
    clock.advance(seconds=LEASE.total_seconds())
    run_all(jobs)
    assert runs.count("minutely") == 2


def test_the_death_of_its_owner_frees_a_job_at_once(
    jobs: tuple[Job, ...], runs: list[str], clock: Clock
) -> None:
    run_all(jobs)
    clock.advance(minutes=1)
    dead = f"{this_process().rsplit(' ', 1)[0]} 1"
    ScheduledJob.objects.update(owner=dead, lease_until=clock() + LEASE)
    run_all(jobs)
    assert runs.count("minutely") == 2


def test_a_clock_put_back_delays_a_job_by_no_more_than_its_interval(
    jobs: tuple[Job, ...], runs: list[str], clock: Clock
) -> None:
    run_all(jobs)
    clock.advance(days=-3)
    run_all(jobs)
    assert (runs.count("minutely"), runs.count("daily")) == (2, 2)
    assert row("daily").run_after == clock() + timedelta(days=1)


def test_a_lease_from_before_the_clock_was_put_back_does_not_last(
    jobs: tuple[Job, ...], runs: list[str], clock: Clock
) -> None:
    run_all(jobs)
    ScheduledJob.objects.update(
        owner=ELSEWHERE, lease_until=clock() + timedelta(hours=1), run_after=clock() - MINUTE
    )
    run_all(jobs)
    assert runs.count("minutely") == 2


def test_clocks_that_differ_a_little_run_nothing_twice(
    jobs: tuple[Job, ...], runs: list[str], clock: Clock
) -> None:
    run_all(jobs)
    clock.advance(seconds=-SKEW.total_seconds())
    run_all(jobs)
    assert runs.count("minutely") == 1


def test_a_run_that_lost_its_lease_writes_nothing(runs: list[str], clock: Clock) -> None:
    """Frozen for so long that another worker took the job over."""
    taken_at = clock() + timedelta(minutes=2)

    def freeze() -> None:
        ScheduledJob.objects.update(owner=ELSEWHERE, started_at=taken_at, lease_until=taken_at + LEASE)

    run_due_jobs((Job("slow", MINUTE, freeze),))
    run_due_jobs((Job("slow", MINUTE, freeze),))
    assert (row("slow").owner, row("slow").started_at) == (ELSEWHERE, taken_at)


@pytest.mark.usefixtures("told_to_stop")
def test_a_job_cut_short_is_due_again_at_once(jobs: tuple[Job, ...], clock: Clock) -> None:
    ScheduledJob.objects.create(name="minutely")
    run_due_jobs(jobs[:1])
    assert row().run_after == clock()
    assert row().owner == ""


def test_all_jobs_of_the_portal_run(clock: Clock, owner: Membership) -> None:
    tell_user(owner.user, Notice.Kind.WELCOME)  # else there is no mail to be sent
    run_all(JOBS)
    run_all(URGENT)
    assert dict(ScheduledJob.objects.values_list("name", "error")) == {
        job.name: "" for job in (*JOBS, *URGENT)
    }
