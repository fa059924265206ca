"""The ledger in memory behaves as contract.py documents ``Calls.ensure``."""

from typing import Any

import pytest

from provisioning.contract import Resource
from provisioning.errors import Misconfigured, OutcomeUnknown, Rejected, Transient
from provisioning.secret import Secret
from provisioning.testing import Crash, KillPoint, MemoryLedger


class Provider:
    """Counts creations; fails with ``error``, having created when that is an ``OutcomeUnknown``."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.made: list[str] = []

    def create(self) -> Resource:
        if self.error is None or isinstance(self.error, OutcomeUnknown):
            self.made.append(f"r{len(self.made)}")
        if self.error is not None:
            raise self.error
        return Resource(self.made[-1], Secret("shown once"))

    def find(self) -> Resource | None:
        return Resource(self.made[0]) if self.made else None


def test_step_is_created_once_and_its_secret_kept() -> None:
    provider, calls = Provider(), MemoryLedger().calls("acme", "request-1")
    for _ in range(2):
        assert calls.ensure("key", create=provider.create) == Resource("r0", Secret("shown once"))
    assert provider.made == ["r0"]


def test_forgotten_step_is_created_anew() -> None:
    provider, calls = Provider(), MemoryLedger().calls("acme", "request-1")
    for account in (None, "organization"):
        calls.ensure("key", create=provider.create, account=account)
        calls.forget("key", account=account)
        calls.ensure("key", create=provider.create, account=account)
    assert len(provider.made) == 4


def test_steps_and_requests_are_apart() -> None:
    provider, ledger = Provider(), MemoryLedger()
    for request, step in [("1", "key"), ("1", "note"), ("2", "key")]:
        ledger.calls("acme", request).ensure(step, create=provider.create)
    assert len(provider.made) == 3


def test_account_is_shared_by_a_customers_requests_and_by_nobody_else() -> None:
    provider, ledger = Provider(), MemoryLedger()
    for customer, request in [("acme", "1"), ("acme", "2"), ("other", "3")]:
        ledger.calls(customer, request).ensure("org", create=provider.create, account="organization")
    assert len(provider.made) == 2


@pytest.mark.parametrize("point", [KillPoint.BEFORE_CREATE, KillPoint.BEFORE_STORE])
def test_lost_step_without_find_stops_for_a_person(point: KillPoint) -> None:
    provider, ledger = Provider(), MemoryLedger()
    with pytest.raises(Crash):
        ledger.calls("acme", "1", kill_at=point).ensure("key", create=provider.create)
    with pytest.raises(Misconfigured):
        ledger.calls("acme", "1").ensure("key", create=provider.create)
    assert len(provider.made) == (1 if point is KillPoint.BEFORE_STORE else 0)


def test_outcome_unknown_is_looked_up_before_creating() -> None:
    provider, calls = Provider(OutcomeUnknown("lost")), MemoryLedger().calls("acme", "1")
    with pytest.raises(OutcomeUnknown):
        calls.ensure("key", create=provider.create, find=provider.find)
    provider.error = None
    assert calls.ensure("key", create=provider.create, find=provider.find) == Resource("r0")
    assert provider.made == ["r0"]


@pytest.mark.parametrize("error", [Transient("busy"), Rejected("no"), Misconfigured("token")])
def test_refusal_is_created_again_without_looking(error: Exception) -> None:
    provider, calls = Provider(error), MemoryLedger().calls("acme", "1")
    with pytest.raises(type(error)):
        calls.ensure("key", create=provider.create)
    provider.error = None
    assert calls.ensure("key", create=provider.create).id == "r0"


def test_only_the_planned_call_goes_wrong() -> None:
    provider, ledger = Provider(), MemoryLedger()
    calls = ledger.calls("acme", "1", kill_at=KillPoint.AFTER_STORE, kill_call=1)
    calls.ensure("org", create=provider.create)
    assert not calls.killed
    with pytest.raises(Crash):
        calls.ensure("key", create=provider.create)
    assert calls.killed


@pytest.mark.parametrize("id", ["", "x" * 256, None, 7], ids=repr)
def test_an_id_that_nothing_can_be_found_by_again_is_refused(id: Any) -> None:
    calls = MemoryLedger().calls("acme", "1")
    with pytest.raises(Misconfigured) as caught:
        calls.ensure("key", create=lambda: Resource(id))
    assert caught.value.code == "invalid_resource_id"
    assert calls.ensure("another", create=lambda: Resource("x" * 255)).id == "x" * 255
