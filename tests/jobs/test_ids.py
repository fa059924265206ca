"""Ids that no remote object could be found by again are refused, and nothing is made twice."""

from typing import Any

import pytest

from portal.jobs.ledger import SETTLE, DatabaseCalls
from portal.models import Operation
from provisioning.contract import CreatedKey, Resource
from provisioning.errors import Misconfigured
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import claimed, fresh, states, work

pytestmark = pytest.mark.django_db
NO_IDS = ["", "x" * 256, None, 7]


@pytest.mark.parametrize("id", NO_IDS, ids=repr)
def test_a_step_without_an_id_stops_for_a_person_and_is_made_once(
    queued: Operation, clock: Clock, id: Any
) -> None:
    operation, made = claimed(), list[object]()

    def create() -> Resource:
        made.append(id)
        return Resource(id)

    for _ in range(2):
        with pytest.raises(Misconfigured) as caught:
            DatabaseCalls(operation).ensure("key", create=create, find=lambda: Resource(id))
        assert caught.value.code == "invalid_resource_id"
        clock.at += SETTLE
    assert made == [id]


@pytest.mark.parametrize("id", NO_IDS, ids=repr)
def test_a_key_that_could_never_be_revoked_is_not_activated(
    queued: Operation, provider: Listing, id: Any
) -> None:
    real = provider.create_api_key

    def create_api_key(*args: Any, **named: Any) -> CreatedKey:
        return CreatedKey(real(*args, **named).secret, id)

    provider.create_api_key = create_api_key  # type: ignore[method-assign]
    work()
    assert states(queued) == ("needs_attention", "needs_attention")
    assert fresh(queued).error_code == "invalid_resource_id"


def test_the_longest_id_is_kept(queued: Operation) -> None:
    calls = DatabaseCalls(claimed())
    for _ in range(2):
        assert calls.ensure("key", create=lambda: Resource("x" * 255)).id == "x" * 255
