"""Cancelling and revoking what is on its way: whatever was created is removed first."""

from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_operation
from portal.models import Call, IssuedKey, Membership, Operation
from portal.services.customers import delete_customer
from portal.services.keys.activate import activate_key
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation
from portal.services.operations.queue import request_provisioning
from provisioning.contract import CreatedKey
from provisioning.errors import Misconfigured, Transient
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.jobs.listing import Listing, provider  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(provider: Listing, owner: Membership, clock: Clock) -> Operation:  # noqa: F811
    return request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")


def work() -> None:
    operation = claim_operation()
    if operation is not None:
        run_operation(operation)


def states(operation: Operation) -> tuple[str, str]:
    found = Operation.objects.select_related("key").get(pk=operation.pk)
    assert found.key is not None
    return found.state, found.key.status


def lose_an_answer(provider: Listing) -> None:  # noqa: F811
    provider.lose_answers = 1
    work()
    assert len(provider.there) == 1


def test_one_that_has_not_begun_is_cancelled_at_once(queued: Operation, provider: Listing) -> None:  # noqa: F811
    cancel_operation(SYSTEM, queued.pk)
    assert states(queued) == ("cancelled", "failed")
    work()
    assert provider.made == 0


def test_what_was_created_is_removed_before_it_is_cancelled(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    lose_an_answer(provider)
    assert cancel_operation(SYSTEM, queued.pk).state == "queued"
    work()
    assert states(queued) == ("retrying", "requested"), "the lost request may still land"
    clock.advance(seconds=20)
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "failed")
    assert provider.made == 1


def test_a_key_revoked_on_its_way_is_removed_and_revoked(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    lose_an_answer(provider)
    assert revoke_key(SYSTEM, queued.key_id).status == "revoking"  # type: ignore[arg-type]
    clock.advance(seconds=20)
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "revoked")


def test_removal_is_never_given_up(queued: Operation, provider: Listing, clock: Clock) -> None:  # noqa: F811
    lose_an_answer(provider)
    cancel_operation(SYSTEM, queued.pk)
    clock.advance(seconds=20)
    provider.refusals = [Misconfigured("no_permission", "Grant it.")]
    work()
    assert states(queued)[0] == "needs_attention"
    clock.advance(hours=1)
    work()
    assert provider.there == {}
    assert states(queued) == ("cancelled", "failed")


def test_a_run_that_ends_after_its_cancellation_leaves_no_key(
    queued: Operation, provider: Listing  # noqa: F811
) -> None:  # fmt: skip
    running = claim_operation()
    assert running is not None
    assert cancel_operation(SYSTEM, queued.pk).state == "running"
    provider.there["cred-1"] = running.key.marker  # type: ignore[union-attr]
    activate_key(running, provider, CreatedKey(Secret("s" * 40), "cred-1"))  # type: ignore[arg-type]
    assert states(queued)[1] == "revoking"
    work()
    assert provider.there == {}
    assert states(queued)[1] == "revoked"


def test_a_deleted_customers_half_made_key_is_removed(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    lose_an_answer(provider)
    delete_customer(SYSTEM, queued.customer_id)
    clock.advance(seconds=20)
    work()
    assert provider.there == {}
    assert states(queued)[1] == "revoked"


def test_a_deletion_during_the_run_does_not_strand_what_it_made(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    running = claim_operation()
    assert running is not None
    delete_customer(SYSTEM, queued.customer_id)
    provider.refusals = [Misconfigured("user_gone", "The provider lost the user as well.")]
    run_operation(running)
    assert states(queued) == ("queued", "revoking")
    work()
    assert states(queued) == ("cancelled", "revoked")


def test_a_revocation_and_what_has_ended_are_not_cancelled(queued: Operation, provider: Listing) -> None:  # noqa: F811
    work()
    with pytest.raises(Conflict) as caught:
        cancel_operation(SYSTEM, queued.pk)
    assert caught.value.code == "operation_ended"
    revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]
    revocation = Operation.objects.get(kind="revoke_key")
    with pytest.raises(Conflict) as caught:
        cancel_operation(SYSTEM, revocation.pk)
    assert caught.value.code == "revocation_not_cancellable"


def test_provisioning_is_cancelled_and_the_account_stays(
    provider: Listing, owner: Membership, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    operation = request_provisioning(SYSTEM, owner.customer_id, user=owner.user, plugin=None)
    cancel_operation(SYSTEM, operation.pk)
    assert Operation.objects.get().state == "cancelled"


def test_the_secret_chosen_for_a_key_is_sealed_and_erased_at_the_end(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    lose_an_answer(provider)
    kept = Call.objects.get(step="choice of secret").sealed_secret
    assert kept
    assert "secret number" not in kept
    clock.advance(seconds=20)
    work()
    assert states(queued) == ("succeeded", "active")
    assert not Call.objects.exclude(sealed_secret="").exists()
    assert IssuedKey.objects.get().last4 == "ours"


def test_a_run_that_failed_for_a_day_is_shown_and_tried_on(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    provider.refusals = [Transient("busy")] * 2
    work()
    assert states(queued) == ("retrying", "requested")
    clock.advance(hours=25)
    work()
    assert states(queued) == ("needs_attention", "needs_attention")
    clock.advance(minutes=5)
    work()
    assert states(queued) == ("succeeded", "active")


def test_a_refused_revocation_is_shown_and_tried_hourly(
    queued: Operation, provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    work()
    revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]
    provider.refusals = [Misconfigured("no_permission", "Grant it.")]
    work()
    revocation = Operation.objects.get(kind="revoke_key")
    assert (revocation.state, revocation.run_after) == ("needs_attention", clock() + timedelta(hours=1))
    clock.advance(hours=1)
    work()
    assert states(queued)[1] == "revoked"
    assert provider.there == {}
