"""Many workers claim at once: nothing twice, and one thing at a time for each customer at a plugin."""

import pytest

from portal.jobs.claim import claim_operation, claim_this
from portal.models import Operation
from tests.concurrency.test_limits import together
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued() -> list[Operation]:
    """Five operations each of four customers at one remote plugin."""
    customers = [CustomerFactory() for _ in range(4)]
    return [
        Operation.objects.create(kind="provision", plugin="remote", customer=customers[number % 4])
        for number in range(20)
    ]


def test_each_customer_has_one_running(queued: list[Operation]) -> None:
    claimed = [operation.pk for operation in together(40, lambda n: claim_operation()) if operation]
    assert len(claimed) == len(set(claimed)) <= 4
    running = Operation.objects.filter(state="running")
    assert running.count() == len(claimed)
    assert running.values("customer").distinct().count() == len(claimed)
    # What a race left unclaimed is there for the next look.
    while operation := claim_operation():
        claimed.append(operation.pk)
    assert len(claimed) == 4


def test_a_named_operation_waits_for_its_turn_too(queued: list[Operation]) -> None:
    mine = [operation for operation in queued if operation.customer_id == queued[0].customer_id]
    claimed = [found for found in together(5, lambda n: claim_this(mine[n].pk)) if found]
    assert len(claimed) <= 1
    assert Operation.objects.filter(state="running").count() == len(claimed)
