"""A person says that something is gone at the provider; and what ends without anybody's word."""

from collections.abc import Iterator
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.core.plugins import registry, set_registry
from portal.models import AuditEvent, Call, IssuedKey, Membership, Operation
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation, retry_operation
from portal.services.operations.queue import request_provisioning
from provisioning.contract import CreatedKey, Resource
from provisioning.errors import OutcomeUnknown, Transient
from provisioning.registry import Registry
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import active_key, claimed, fresh, states, work

pytestmark = pytest.mark.django_db


class OnlyCreates:
    """A plugin that can neither look up nor revoke."""

    slug, contract_version, local, default_lifetime = "remote", 1, False, None
    busy, made = False, 0

    def get_user(self, customer_id: str, email: str) -> None:
        return None

    def provision_user(self, *args: Any, **named: Any) -> None:
        raise AssertionError("not asked for")

    def create_api_key(self, customer_id: str, email: str, *, request: Any, calls: Any) -> CreatedKey:
        def create() -> Resource:
            self.made += 1
            return Resource(f"cred-{self.made}")

        made = calls.ensure("key", create=create)
        if self.busy:
            raise Transient("second_step_busy")
        return CreatedKey(Secret(f"secret of {request.marker}"), made.id)


class Other(Listing):
    slug = "other"


def enable(*plugins: object) -> None:
    set_registry(Registry(plugins))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = registry()
    yield
    set_registry(before)


@pytest.fixture
def only_creates() -> OnlyCreates:
    plugin = OnlyCreates()
    enable(plugin)
    return plugin


def confirmations() -> list[object]:
    events = AuditEvent.objects.filter(action="operation.retried").order_by("id")
    return [event.detail["confirmed_absent"] for event in events]


def test_a_key_that_was_deleted_by_hand_is_ended(
    only_creates: OnlyCreates, owner: Membership, clock: Clock
) -> None:
    key = active_key(owner)
    revoke_key(SYSTEM, key.pk)
    work()
    revocation = Operation.objects.get(kind="revoke_key")
    assert (revocation.state, revocation.error_code) == ("needs_attention", "revoke_unsupported")
    retry_operation(SYSTEM, revocation.pk)
    work()
    assert states(revocation) == ("needs_attention", "revoking"), "nobody has said that it is gone"
    retry_operation(SYSTEM, revocation.pk, confirm_absent=True)
    work()
    assert states(revocation) == ("succeeded", "revoked")
    assert confirmations() == [False, True]


def test_a_withdrawal_that_was_done_by_hand_is_ended(
    only_creates: OnlyCreates, owner: Membership, clock: Clock
) -> None:
    only_creates.busy = True
    asked = request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
    work()
    cancel_operation(SYSTEM, asked.pk)
    work()
    assert (fresh(asked).state, fresh(asked).error_code) == ("needs_attention", "withdrawal_unsupported")
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    work()
    assert states(asked) == ("cancelled", "failed")
    assert confirmations() == [True]


def test_what_was_half_made_and_deleted_by_hand_is_created_anew(
    only_creates: OnlyCreates, owner: Membership, clock: Clock
) -> None:
    only_creates.busy = True
    asked = request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
    work()
    Operation.objects.filter(pk=asked.pk).update(state="needs_attention", run_after=None)
    retry_operation(SYSTEM, asked.pk)
    assert Call.objects.get().resource_id == "cred-1", "nobody has said that it is gone"
    work()
    Operation.objects.filter(pk=asked.pk).update(state="needs_attention", run_after=None)
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    only_creates.busy = False
    work()
    assert states(asked) == ("succeeded", "active")
    assert Call.objects.get().resource_id == "cred-2"


def test_a_cancelled_operation_that_asked_nothing_ends_without_its_plugin(
    queued: Operation, clock: Clock
) -> None:
    enable(Other())
    work()
    assert (fresh(queued).state, fresh(queued).error_code) == ("needs_attention", "plugin_not_enabled")
    revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]
    work()
    assert states(queued) == ("cancelled", "revoked")


def test_one_that_has_made_something_needs_its_plugin(
    queued: Operation, provider: Listing, clock: Clock
) -> None:
    provider.lose_answers = 1
    work()
    enable(Other())
    cancel_operation(SYSTEM, queued.pk)
    clock.advance(minutes=1)
    work()
    assert (fresh(queued).state, fresh(queued).error_code) == ("needs_attention", "plugin_not_enabled")
    assert len(provider.there) == 1


def test_a_revocation_of_nothing_ends_without_its_plugin(owner: Membership, clock: Clock) -> None:
    key = IssuedKey.objects.create(
        customer=owner.customer, user=owner.user, name="k", plugin="gone", status="revoking"
    )
    revocation = Operation.objects.create(kind="revoke_key", plugin="gone", customer=owner.customer, key=key)
    work()
    assert states(revocation) == ("succeeded", "revoked")


def test_absence_is_not_confirmed_while_another_operation_is_at_work_there(
    queued: Operation, provider: Listing, owner: Membership, clock: Clock
) -> None:
    """What that one is just creating for the customer would be forgotten."""
    provider.create_api_key = _lose_an_account  # type: ignore[assignment]
    work()
    Operation.objects.filter(pk=queued.pk).update(state="needs_attention", run_after=None)
    request_provisioning(SYSTEM, owner.customer_id, user=owner.user, plugin=None)
    at_work = claimed()
    assert at_work.pk != queued.pk
    with pytest.raises(Conflict) as caught:
        retry_operation(SYSTEM, queued.pk, confirm_absent=True)
    assert caught.value.code == "operation_running"
    assert not Call.objects.get().confirmed_absent
    assert states(queued)[0] == "needs_attention"
    Operation.objects.filter(pk=at_work.pk).update(state="queued", owner="", lease_until=None)
    retry_operation(SYSTEM, queued.pk, confirm_absent=True)
    assert Call.objects.get().confirmed_absent


def _lose_an_account(*args: object, calls: Any, **named: object) -> None:
    def create() -> Resource:
        raise OutcomeUnknown("reset")

    calls.ensure("org", create=create, account="organization")
