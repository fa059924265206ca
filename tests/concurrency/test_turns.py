"""Turns at a provider under concurrency: never two at the same time."""

import pytest

from portal.core.stopping import stopping
from portal.models import RateBucket
from portal.services.turns import DatabaseRates
from provisioning.contract import Rate
from tests.concurrency.test_limits import together
from tests.conftest import Clock

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_caller_gets_a_turn_of_its_own(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(stopping, "wait", waits.append)
    together(40, lambda n: DatabaseRates().take("remote calls", Rate(per_second=10)))
    assert sorted(round(wait, 3) for wait in waits) == [number / 10 for number in range(1, 40)]
    assert RateBucket.objects.get().next_at == pytest.approx(clock().timestamp() + 4)
