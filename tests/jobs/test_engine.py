from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.plugins import registry, set_registry
from portal.core.process import this_process
from portal.jobs.claim import POISON, claim_operation, free_abandoned
from portal.jobs.ledger import SETTLE, AbsenceUnknown, DatabaseCalls
from portal.jobs.run import run_operation
from portal.models import Call, IssuedKey, Membership, Operation, ProviderAccount
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation, retry_operation
from portal.services.operations.queue import LEASE
from portal.services.operations.run import LeaseLost
from provisioning.contract import CreatedKey, Resource
from provisioning.errors import Misconfigured, OutcomeUnknown, Rejected, Transient
from provisioning.registry import Registry
from provisioning.secret import Secret
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


class Remote:
    """A plugin whose next calls fail as told, and that counts what exists."""

    slug, contract_version, local, default_lifetime = "remote", 1, False, None

    def __init__(self) -> None:
        self.alive: dict[str, str] = {}
        self.errors: list[Exception] = []

    def get_user(self, customer_id, email):  # type: ignore[no-untyped-def]
        return None

    def provision_user(self, customer_id, email, subscription_id, *, calls):  # type: ignore[no-untyped-def]
        raise Rejected("not_here")

    def create_api_key(self, customer_id, email, *, request, calls):  # type: ignore[no-untyped-def]
        if self.errors:
            raise self.errors.pop(0)

        def create() -> Resource:
            self.alive[request.marker] = "s" * 40
            return Resource(f"id-{request.marker}", Secret("s" * 40))

        made = calls.ensure("key", create=create)
        return CreatedKey(Secret(self.alive[request.marker]), made.id)

    def revoke(self, customer_id, key):  # type: ignore[no-untyped-def]
        self.alive.pop(key.marker, None)


@pytest.fixture
def remote():  # type: ignore[no-untyped-def]
    before, plugin = registry(), Remote()
    set_registry(Registry([plugin]))
    yield plugin
    set_registry(before)


@pytest.fixture
def queued(remote: Remote, owner: Membership, clock: Clock) -> Operation:
    return request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")


def fresh(operation: Operation) -> Operation:
    return Operation.objects.select_related("key").get(pk=operation.pk)


def work() -> Operation | None:
    operation = claim_operation()
    if operation is not None:
        run_operation(operation)
    return operation


def test_a_remote_operation_is_left_to_a_worker(queued: Operation, remote: Remote) -> None:
    assert (queued.state, queued.key.status) == ("queued", "requested")  # type: ignore[union-attr]
    work()
    done = fresh(queued)
    assert (done.state, done.key.status) == ("succeeded", "active")  # type: ignore[union-attr]
    assert len(remote.alive) == 1


def test_an_operation_is_claimed_once(queued: Operation) -> None:
    assert claim_operation() is not None
    assert claim_operation() is None


def test_one_customers_operations_run_one_at_a_time(queued: Operation, owner: Membership) -> None:
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="second")
    assert claim_operation() is not None
    assert claim_operation() is None


def test_transient_errors_are_retried_with_growing_delays(
    queued: Operation, remote: Remote, clock: Clock
) -> None:
    remote.errors = [Transient("busy", "Too busy.") for _ in range(3)]
    waits = []
    for _ in range(3):
        work()
        found = fresh(queued)
        assert (found.state, found.error_code) == ("retrying", "busy")
        waits.append(found.run_after - clock())
        clock.at = found.run_after
    assert waits[0] < waits[2]
    work()
    assert fresh(queued).state == "succeeded"


def test_retry_after_is_obeyed(queued: Operation, remote: Remote, clock: Clock) -> None:
    remote.errors = [Transient("limited", retry_after=timedelta(minutes=7))]
    work()
    assert fresh(queued).run_after == clock() + timedelta(minutes=7)
    clock.advance(minutes=6)
    assert work() is None


@pytest.mark.parametrize(
    ("error", "operation_state", "key_status"),
    [
        (Rejected("refused", "The provider refused."), "failed", "failed"),
        (Misconfigured("no_permission", "Grant it."), "needs_attention", "needs_attention"),
    ],
)
def test_final_errors_stop_at_once(
    queued: Operation, remote: Remote, error: Exception, operation_state: str, key_status: str
) -> None:
    remote.errors = [error]
    work()
    found = fresh(queued)
    assert (found.state, found.key.status) == (operation_state, key_status)  # type: ignore[union-attr]
    assert found.error_detail


def test_a_stopped_operation_can_be_retried(queued: Operation, remote: Remote) -> None:
    remote.errors = [Misconfigured("no_permission")]
    work()
    retry_operation(SYSTEM, queued.pk)
    work()
    assert fresh(queued).key.status == "active"  # type: ignore[union-attr]


def test_an_operation_that_has_not_begun_can_be_cancelled(queued: Operation, remote: Remote) -> None:
    cancel_operation(SYSTEM, queued.pk)
    assert fresh(queued).state == "cancelled"
    assert work() is None
    assert not remote.alive


def test_revoking_a_remote_key_reaches_the_provider(queued: Operation, remote: Remote) -> None:
    work()
    key = revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]
    assert key.status == "revoking"
    work()
    assert IssuedKey.objects.get().status == "revoked"
    assert not remote.alive


def test_a_key_revoked_before_it_exists_is_never_created(queued: Operation, remote: Remote) -> None:
    revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]
    assert work() is None
    assert IssuedKey.objects.get().status == "revoked"
    assert not remote.alive


def test_a_key_revoked_while_it_is_created_is_removed_again(queued: Operation, remote: Remote) -> None:
    claimed = claim_operation()
    assert claimed is not None
    assert revoke_key(SYSTEM, queued.key_id).status == "revoking"  # type: ignore[arg-type]
    run_operation(claimed)
    assert len(remote.alive) == 1
    work()
    assert IssuedKey.objects.get().status == "revoked"
    assert not remote.alive


def test_a_lease_that_ran_out_is_taken_over_and_fenced(queued: Operation, clock: Clock) -> None:
    slow = claim_operation()
    assert slow is not None
    clock.advance(seconds=LEASE.total_seconds())
    assert free_abandoned() == 1
    taken = claim_operation()
    assert taken is not None
    run_operation(taken)
    calls = DatabaseCalls(slow)
    with pytest.raises(LeaseLost):
        calls.ensure("another", create=lambda: Resource("x"))
    run_operation(slow)
    assert fresh(queued).state == "succeeded"


def test_the_death_of_an_owner_ends_its_lease(queued: Operation) -> None:
    assert claim_operation() is not None
    assert free_abandoned() == 0
    Operation.objects.update(owner=f"{this_process().rsplit(' ', 1)[0]} 1")
    assert free_abandoned() == 1


def test_the_fifth_crash_asks_for_a_person(queued: Operation, clock: Clock) -> None:
    for _ in range(POISON):
        assert claim_operation() is not None
        clock.advance(seconds=LEASE.total_seconds())
        free_abandoned()
    found = fresh(queued)
    assert (found.state, found.error_code) == ("needs_attention", "crashed")


class Provider:
    """Counts creations, and loses answers as told."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.lose = False

    def create(self) -> Resource:
        self.made.append(f"r{len(self.made)}")
        if self.lose:
            self.lose = False
            raise OutcomeUnknown("reset")
        return Resource(self.made[-1])

    def find(self) -> Resource | None:
        return Resource(self.made[-1]) if self.made else None


def test_a_step_is_created_once(queued: Operation) -> None:
    operation, provider = claim_operation(), Provider()
    assert operation is not None
    for _ in range(3):
        assert DatabaseCalls(operation).ensure("step", create=provider.create).id == "r0"
    assert provider.made == ["r0"]


def test_a_lost_answer_is_waited_for_and_found(queued: Operation, clock: Clock) -> None:
    operation, provider = claim_operation(), Provider()
    assert operation is not None
    calls, provider.lose = DatabaseCalls(operation), True
    with pytest.raises(OutcomeUnknown):
        calls.ensure("step", create=provider.create, find=provider.find)
    with pytest.raises(Transient) as waiting:
        calls.ensure("step", create=provider.create, find=provider.find)
    assert waiting.value.retry_after == SETTLE
    clock.advance(seconds=SETTLE.total_seconds())
    assert calls.ensure("step", create=provider.create, find=provider.find).id == "r0"
    assert provider.made == ["r0"]


def test_absence_that_nobody_can_look_up_asks_for_a_person(queued: Operation, clock: Clock) -> None:
    operation, provider = claim_operation(), Provider()
    assert operation is not None
    calls, provider.lose = DatabaseCalls(operation), True
    with pytest.raises(OutcomeUnknown):
        calls.ensure("step", create=provider.create)
    clock.advance(minutes=1)
    with pytest.raises(AbsenceUnknown):
        calls.ensure("step", create=provider.create)
    assert provider.made == ["r0"]
    Operation.objects.update(state="needs_attention", owner="", lease_until=None)
    retry_operation(SYSTEM, operation.pk, confirm_absent=True)
    again = claim_operation()
    assert again is not None
    assert DatabaseCalls(again).ensure("step", create=provider.create).id == "r1"


def test_what_a_customer_shares_is_made_once_for_all_its_operations(
    queued: Operation, owner: Membership, clock: Clock
) -> None:
    provider = Provider()
    first = claim_operation()
    assert first is not None
    DatabaseCalls(first).ensure("org", create=provider.create, account="organization")
    Operation.objects.filter(pk=first.pk).update(state="queued", owner="", lease_until=None)
    second = request_key(SYSTEM, owner.customer_id, user=owner.user, name="second")
    Operation.objects.exclude(pk=second.pk).update(run_after=clock() + timedelta(days=1))
    claimed = claim_operation()
    assert claimed is not None
    assert claimed.pk == second.pk
    shared = DatabaseCalls(claimed).ensure("org", create=provider.create, account="organization")
    assert (shared.id, provider.made) == ("r0", ["r0"])
    assert ProviderAccount.objects.get().external_id == "r0"
    assert Call.objects.count() == 1


def test_the_key_of_a_poisoned_operation_shows_it(queued: Operation, clock: Clock) -> None:
    for _ in range(POISON):
        claim_operation()
        clock.advance(seconds=LEASE.total_seconds())
        free_abandoned()
    assert IssuedKey.objects.get().status == "needs_attention"
    retry_operation(SYSTEM, queued.pk)
    work()
    assert IssuedKey.objects.get().status == "active"


def test_a_late_refusal_leaves_another_runs_intent_alone(queued: Operation, clock: Clock) -> None:
    """The first run lost its lease; its refusal must not make the second's lost request forgotten."""
    first, provider = claim_operation(), Provider()
    assert first is not None

    def refused_late() -> Resource:
        clock.advance(seconds=LEASE.total_seconds())
        free_abandoned()
        second = claim_operation()
        assert second is not None
        provider.lose = True
        clock.advance(seconds=SETTLE.total_seconds())
        with pytest.raises(OutcomeUnknown):
            DatabaseCalls(second).ensure("step", create=provider.create, find=lambda: None)
        raise Transient("busy")

    with pytest.raises(LeaseLost):
        DatabaseCalls(first).ensure("step", create=refused_late)
    assert Call.objects.get().attempt_at == clock()


def test_a_shared_step_can_be_confirmed_absent(queued: Operation, clock: Clock) -> None:
    operation, provider = claim_operation(), Provider()
    assert operation is not None
    calls, provider.lose = DatabaseCalls(operation), True
    with pytest.raises(OutcomeUnknown):
        calls.ensure("org", create=provider.create, account="organization")
    Operation.objects.update(state="needs_attention", owner="", lease_until=None)
    retry_operation(SYSTEM, operation.pk, confirm_absent=True)
    assert Call.objects.get().confirmed_absent
