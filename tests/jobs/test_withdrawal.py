"""Removing what a cancelled operation made, at a provider that forgets or finds slowly."""

from datetime import timedelta
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.jobs.claim import free_abandoned
from portal.jobs.ledger import SETTLE
from portal.models import AuditEvent, Operation
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation
from provisioning.contract import CreatedKey, KeyRef
from provisioning.errors import Misconfigured, Transient
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import claimed, fresh, states, work

pytestmark = pytest.mark.django_db


def revoke(operation: Operation) -> None:
    assert operation.key_id is not None
    revoke_key(SYSTEM, operation.key_id)


def interrupt(provider: Listing) -> None:
    """From now on something after the credential's creation fails."""
    real = provider.create_api_key

    def create_api_key(*args: Any, **named: Any) -> CreatedKey:
        real(*args, **named)
        raise Transient("second_step_busy")

    provider.create_api_key = create_api_key  # type: ignore[method-assign]


def test_each_credential_is_revoked_once_a_run_while_the_provider_still_shows_it(
    queued: Operation, provider: Listing, clock: Clock
) -> None:
    provider.lose_answers = 1
    work()
    revoke(queued)
    clock.at += SETTLE
    asked: list[str] = []

    def forget_slowly(customer_id: str, key: KeyRef) -> None:
        asked.append(key.external_id)
        assert len(asked) < 100, "it would go on for ever"

    provider.revoke = forget_slowly  # type: ignore[method-assign]
    work()
    assert asked == ["cred-1"]
    assert (fresh(queued).state, fresh(queued).error_code) == ("retrying", "still_there")
    assert fresh(queued).run_after == clock() + SETTLE
    provider.there.clear()
    clock.at += SETTLE
    work()
    assert asked == ["cred-1"]
    assert states(queued) == ("cancelled", "revoked")


def test_every_credential_with_the_marker_is_removed(
    queued: Operation, provider: Listing, clock: Clock
) -> None:
    provider.lose_answers = 1
    work()
    provider.there["second"] = provider.there["cred-1"]
    revoke(queued)
    clock.at += SETTLE
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "revoked")


@pytest.mark.parametrize("refused_before", [False, True])
def test_what_is_known_and_not_found_yet_is_not_taken_for_absent(
    queued: Operation, provider: Listing, clock: Clock, refused_before: bool
) -> None:
    """Time counts from when it was created, not from the first attempt at it."""
    if refused_before:
        provider.refusals = [Transient("busy")]
        work()
        clock.advance(hours=1)
    interrupt(provider)
    work()
    assert len(provider.there) == 1
    real, provider.find = provider.find, lambda customer_id, marker: None  # type: ignore[method-assign]
    revoke(queued)
    work()
    assert states(queued) == ("retrying", "revoking")
    assert fresh(queued).error_code == "settling"
    provider.find = real  # type: ignore[method-assign]
    clock.at += SETTLE
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "revoked")


@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_plugin_that_settles_slowly_is_waited_for(
    queued: Operation, provider: Listing, clock: Clock, answer_lost: bool
) -> None:
    provider.settle = timedelta(minutes=2)  # type: ignore[attr-defined]
    provider.lose_answers = int(answer_lost)
    interrupt(provider)
    work()
    landed, provider.there = provider.there, {}
    revoke(queued)
    clock.advance(seconds=119)
    work()
    assert states(queued) == ("retrying", "revoking")
    provider.there = landed
    clock.advance(seconds=1)
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "revoked")


class RevokedBeforeItIsStored(Misconfigured):
    """Its detail is read last, right before the failure is stored: then somebody revokes the key."""

    def __init__(self, operation: Operation) -> None:
        super().__init__("no_permission")
        self._operation = operation

    @property
    def detail(self) -> str:
        revoke(self._operation)
        return "Grant it."

    @detail.setter
    def detail(self, detail: str) -> None: ...


def test_a_revocation_just_before_a_failure_is_stored_is_carried_out(
    queued: Operation, provider: Listing, clock: Clock
) -> None:
    provider.refusals = [RevokedBeforeItIsStored(queued)]
    work()
    assert fresh(queued).run_after is not None, "nobody would ever run it again"
    while work():
        pass
    assert states(queued) == ("cancelled", "revoked")
    assert AuditEvent.objects.filter(action="key.revoked").count() == 1


def test_a_revocation_while_a_dead_workers_run_is_freed_is_carried_out(
    queued: Operation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Operation.objects.update(crashes=4)
    claimed()

    def is_gone(owner: str) -> bool:
        cancel_operation(SYSTEM, queued.pk)
        return True

    monkeypatch.setattr("portal.jobs.claim.is_gone", is_gone)
    free_abandoned()
    free_abandoned()
    found = fresh(queued)
    assert (found.state, found.run_after is None) == ("needs_attention", False)
