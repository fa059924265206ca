"""From when, and for how long, a lost request is waited for; and steps that begin with a look."""

from datetime import timedelta

import pytest

from portal.jobs.ledger import SETTLE, DatabaseCalls
from portal.models import Call, Operation, ProviderAccount
from provisioning.contract import Resource
from provisioning.errors import OutcomeUnknown, Transient
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import claimed, fresh, states, work

pytestmark = pytest.mark.django_db


def nothing() -> Resource | None:
    return None


def unwanted() -> Resource:
    raise AssertionError("a second one")


def test_settling_counts_from_when_the_answer_was_lost(queued: Operation, clock: Clock) -> None:
    """The request may have left long after its intent: turns are waited for in between."""
    operation = claimed()

    def lose() -> Resource:
        clock.advance(seconds=15)
        raise OutcomeUnknown("reset")

    with pytest.raises(OutcomeUnknown):
        DatabaseCalls(operation).ensure("key", create=lose, find=nothing)
    clock.at += SETTLE - timedelta(seconds=1)
    with pytest.raises(Transient) as caught:
        DatabaseCalls(operation).ensure("key", create=unwanted, find=nothing)
    assert (caught.value.code, caught.value.retry_after) == ("settling", timedelta(seconds=1))


@pytest.mark.parametrize(
    ("settle", "kept"),
    [(timedelta(minutes=3), timedelta(minutes=3)), (timedelta(seconds=1), SETTLE), (None, SETTLE)],
)
def test_a_plugin_may_ask_for_a_longer_time_and_for_no_shorter_one(
    queued: Operation, provider: Listing, clock: Clock, settle: timedelta | None, kept: timedelta
) -> None:
    provider.settle = settle  # type: ignore[attr-defined]
    provider.lose_answers = 1
    work()
    clock.at = fresh(queued).run_after  # type: ignore[assignment]
    waited_from = clock()
    work()
    began = Call.objects.get(step="key").attempt_at
    assert began is not None
    assert fresh(queued).error_code == "settling"
    assert fresh(queued).run_after == began + kept > waited_from
    clock.at = began + kept
    work()
    assert states(queued) == ("succeeded", "active")
    assert provider.made == 1


def test_an_account_is_looked_for_before_it_is_made(queued: Operation, provider: Listing) -> None:
    """After a restore the ledger may know less than the provider."""
    calls = DatabaseCalls(claimed())
    for _ in range(2):
        found = calls.ensure("org", create=unwanted, find=lambda: Resource("org-7"), account="organization")
        assert found.id == "org-7"
    assert ProviderAccount.objects.get().external_id == "org-7"
    assert Call.objects.get(step="org").resource_id == "org-7"


def test_an_account_that_is_not_there_is_made(queued: Operation) -> None:
    calls = DatabaseCalls(claimed())
    made = calls.ensure("org", create=lambda: Resource("org-1"), find=nothing, account="organization")
    assert made.id == ProviderAccount.objects.get().external_id == "org-1"


def test_what_is_an_operations_own_costs_no_look(queued: Operation) -> None:
    calls = DatabaseCalls(claimed())
    assert calls.ensure("key", create=lambda: Resource("cred-1"), find=unwanted).id == "cred-1"


def test_a_choice_and_a_creation_may_have_the_same_name(queued: Operation) -> None:
    calls = DatabaseCalls(claimed())
    for _ in range(2):
        assert calls.ensure("key", create=lambda: Resource("cred-1")).id == "cred-1"
        assert calls.choose("key", lambda: Secret("our own")).reveal() == "our own"
