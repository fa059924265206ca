from unittest.mock import Mock

import pytest

from portal.core.clock import now
from portal.jobs.run import MOST_WAITING, wait_for
from portal.models import Operation
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued() -> Operation:
    return Operation.objects.create(kind="provision", plugin="remote", customer=CustomerFactory())


def test_no_more_than_so_many_requests_wait_in_a_process(
    queued: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waiter lets another one come meanwhile, until one is sent away."""

    def sleep(seconds: float) -> None:
        wait_for(queued.pk, seconds=30)
        Operation.objects.update(state="succeeded", finished_at=now())

    slept = Mock(side_effect=sleep)
    monkeypatch.setattr("portal.jobs.run.time.sleep", slept)
    assert wait_for(queued.pk, seconds=30).state == "succeeded"
    assert slept.call_count == MOST_WAITING
    wait_for(queued.pk, seconds=30)


def test_places_are_given_back(queued: Operation) -> None:
    for _ in range(MOST_WAITING + 1):
        assert wait_for(queued.pk, seconds=0).state == "queued"
    Operation.objects.update(state="succeeded", finished_at=now())
    assert wait_for(queued.pk, seconds=30).state == "succeeded"
