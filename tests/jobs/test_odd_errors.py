"""Errors that nobody planned for cost one run each, not a loop, and are shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError

from portal.models import Membership, Operation
from provisioning.contract import CreatedKey
from provisioning.errors import Misconfigured, Rejected, Transient
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import active_key, fresh, states, work

pytestmark = pytest.mark.django_db


def runs_until_nothing_is_due() -> int:
    """The clock stands still, so what backs off runs once."""
    runs = 0
    while runs < 20 and work() is not None:
        runs += 1
    return runs


@pytest.mark.parametrize("error", [IntegrityError("x"), DataError("x"), RuntimeError("x")], ids=repr)
def test_an_unexpected_error_backs_off(queued: Operation, provider: Listing, error: Exception) -> None:
    provider.refusals = [error] * 20
    assert runs_until_nothing_is_due() == 1
    found = fresh(queued)
    assert (found.state, found.error_code) == ("retrying", "internal_error")


def test_one_secret_for_two_keys_backs_off(
    provider: Listing, owner: Membership, queued: Operation, clock: Clock
) -> None:
    """The database refuses the second fingerprint."""
    real = provider.create_api_key

    def create_api_key(*args: Any, **named: Any) -> CreatedKey:
        return CreatedKey(Secret("the one secret of this consumer"), real(*args, **named).external_id)

    provider.create_api_key = create_api_key  # type: ignore[method-assign]
    work()
    assert states(queued) == ("succeeded", "active")
    with pytest.raises(Exception, match="does not exist"):
        active_key(owner, "second")
    assert runs_until_nothing_is_due() == 0
    second = Operation.objects.get(key__name="second")
    assert (second.state, second.error_code) == ("retrying", "internal_error")


@pytest.mark.parametrize("kind", [Rejected, Misconfigured, Transient])
def test_a_long_code_is_cut(queued: Operation, provider: Listing, kind: type[Exception]) -> None:
    provider.refusals = [kind("c" * 65, "d" * 501)]
    assert runs_until_nothing_is_due() == 1
    assert (fresh(queued).error_code, fresh(queued).error_detail) == ("c" * 64, "d" * 500)


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_retry_after_that_is_over_backs_off(
    queued: Operation, provider: Listing, clock: Clock, seconds: int
) -> None:
    provider.refusals = [Transient("busy", retry_after=timedelta(seconds=seconds))] * 20
    assert runs_until_nothing_is_due() == 1
    assert fresh(queued).run_after > clock()  # type: ignore[operator]
