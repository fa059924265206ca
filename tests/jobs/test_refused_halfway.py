"""A provider refuses the second step of a key whose first step made a credential."""

import pytest

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, Operation
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import retry_operation
from provisioning.contract import Calls, CreatedKey, KeyRef, KeyRequest, Resource
from provisioning.errors import Misconfigured, Rejected, Transient
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import fresh, states, work

pytestmark = pytest.mark.django_db


class TwoSteps(Listing):
    """Makes a credential, then attaches it to a plan that is gone."""

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        created = super().create_api_key(customer_id, email, request=request, calls=calls)

        def attach() -> Resource:
            raise Rejected("no_such_plan", "The usage plan is gone.")

        calls.ensure("plan", create=attach)
        return created


@pytest.fixture(autouse=True)
def two_steps(provider: Listing) -> None:
    provider.__class__ = TwoSteps


def test_what_the_first_step_made_is_removed_and_the_refusal_shown(
    queued: Operation, provider: Listing
) -> None:
    work()
    assert (provider.made, provider.there) == (1, {})
    assert states(queued) == ("failed", "failed")
    assert (fresh(queued).error_code, fresh(queued).error_detail) == (
        "no_such_plan", "The usage plan is gone.",
    )  # fmt: skip
    assert work() is None


@pytest.mark.parametrize("error", [Misconfigured("no_permission"), Transient("busy"), Rejected("not_now")])
def test_a_removal_that_fails_is_tried_on_and_nothing_new_is_made(
    queued: Operation, provider: Listing, clock: Clock, error: Exception
) -> None:
    refused = [error]

    def revoke(customer_id: str, key: object) -> None:
        if refused:
            raise refused.pop()
        provider.there.clear()

    provider.revoke = revoke  # type: ignore[method-assign]
    work()
    assert (provider.made, len(provider.there)) == (1, 1)
    assert fresh(queued).state == ("retrying" if isinstance(error, Transient) else "needs_attention")
    clock.advance(hours=1)
    work()
    assert (provider.made, provider.there) == (1, {})
    assert states(queued) == ("failed", "failed")


def test_a_key_revoked_during_the_removal_ends_revoked(queued: Operation, provider: Listing) -> None:
    real = provider.revoke

    def revoke(customer_id: str, key: KeyRef) -> None:
        real(customer_id, key)
        revoke_key(SYSTEM, queued.key_id)  # type: ignore[arg-type]

    provider.revoke = revoke  # type: ignore[method-assign]
    work()
    assert states(queued) == ("failed", "revoked")
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["key.revoking", "key.revoked"]


def test_a_retry_meanwhile_removes_too(queued: Operation, provider: Listing) -> None:
    real, provider.revoke = provider.revoke, _refuse  # type: ignore[method-assign]
    work()
    provider.revoke = real  # type: ignore[method-assign]
    retry_operation(SYSTEM, queued.pk)
    work()
    assert (provider.made, provider.there) == (1, {})
    assert states(queued) == ("failed", "failed")


def _refuse(customer_id: str, key: object) -> None:
    raise Misconfigured("no_permission")
