"""A person's word, a restore, a crash: none of them makes a second application, or leaves one unnamed."""

from contextlib import suppress
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation, free_abandoned
from portal.jobs.handlers import HANDLERS
from portal.models import Call, IssuedKey, Membership, Operation
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation, retry_operation
from portal.services.restore import hold_open_operations
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from tests.conftest import Clock
from tests.fakes.auth0.process import TEN_SCOPES, Auth0Process
from tests.jobs.auth0_m2m.conftest import ask, drive, issue, named, restrict, there
from tests.jobs.working import fresh, states, work

pytestmark = pytest.mark.django_db
Tenant, Plugin = Auth0Process, Auth0M2mPlugin


class Killed(BaseException):
    """The process ended here."""


def test_what_may_be_looked_up_is_looked_up_whatever_a_person_says(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    tenant.set_faults(drop_after=1, only="/api/v2/clients")
    asked = ask(owner)
    work()
    tenant.set_faults()
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    drive(clock)
    assert states(asked) == ("succeeded", "active")
    assert len(there(tenant, asked)) == 1


def test_a_persons_word_does_not_shorten_the_wait_for_a_late_request(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    restrict(tenant, *TEN_SCOPES)
    work()
    tenant.set_faults(drop_before=1, only="/api/v2/clients")
    asked = ask(owner)
    for _ in range(40):
        if fresh(asked).error_code == "settling":
            break
        drive(clock, 1, seconds=1)
    assert fresh(asked).error_code == "settling"
    tenant.set_faults()
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    work()
    assert fresh(asked).error_code == "settling"
    assert there(tenant, asked) == []
    drive(clock)
    assert states(asked) == ("succeeded", "active")
    assert len(there(tenant, asked)) == 1


def test_a_half_made_application_that_is_still_there_is_gone_on_with(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    restrict(tenant, *(set(TEN_SCOPES) - {"create:client_grants"}), "read:clients")
    asked = ask(owner)
    drive(clock)
    assert fresh(asked).error_code == "auth0_scope_missing"
    assert named(asked)
    first = there(tenant, asked)
    restrict(tenant, *TEN_SCOPES, "read:clients", "read:client_grants")
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    drive(clock)
    assert states(asked) == ("succeeded", "active")
    assert there(tenant, asked) == first


def test_a_revocation_is_carried_out_where_it_can_be_whatever_a_person_says(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    key = fresh(issue(owner)).key
    assert key is not None
    tenant.set_faults(unavailable=1)
    revoke_key(SYSTEM, key.pk)
    work()
    tenant.set_faults()
    revocation = Operation.objects.get(kind="revoke_key")
    retry_operation(SYSTEM, revocation.pk, confirm_absent=True)
    drive(clock)
    assert states(revocation) == ("succeeded", "revoked")
    assert there(tenant, revocation) == []


def test_cancelling_deletes_what_is_known_without_looking(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    restrict(tenant, *(set(TEN_SCOPES) - {"create:client_grants"}), "delete:clients")
    asked = ask(owner)
    drive(clock)
    assert len(there(tenant, asked)) == 1
    cancel_operation(SYSTEM, asked.pk)
    drive(clock)
    assert states(asked) == ("cancelled", "failed")
    assert there(tenant, asked) == []


def test_the_fifth_crash_names_what_may_be_there(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    asked, real = ask(owner), auth0._credentials.create
    Operation.objects.filter(pk=asked.pk).update(crashes=4)

    def create_and_die(*arguments: Any) -> Any:
        real(*arguments)
        raise Killed

    auth0._credentials.create = create_and_die  # type: ignore[method-assign]
    running = claim_operation()
    assert running is not None
    with suppress(Killed):
        HANDLERS[running.kind](running)
    clock.advance(minutes=1)
    free_abandoned()
    assert (fresh(asked).state, fresh(asked).error_code) == ("needs_attention", "crashed")
    assert named(asked)


@pytest.mark.parametrize("state", ["queued", "needs_attention"])
def test_a_retry_after_a_restore_finds_what_was_made_since_the_backup(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
    state: str,
) -> None:
    asked = issue(owner)
    Call.objects.filter(scope=asked.public_id).delete()
    Operation.objects.filter(pk=asked.pk).update(
        finished_at=None, attempts=0, owner="", lease_until=None, state=state
    )
    IssuedKey.objects.filter(pk=asked.key_id).update(
        status="requested", activated_at=None, external_id="", sealed_secret="", fingerprint=None, public={}
    )
    assert hold_open_operations() == 1
    retry_operation(SYSTEM, asked.pk)
    drive(clock)
    assert states(asked) == ("succeeded", "active")
    assert len(there(tenant, asked)) == 1


def test_a_refusal_halfway_is_told_when_its_removal_needs_a_person(
    auth0: Plugin,
    tenant: Tenant,
    owner: Membership,
    clock: Clock,
) -> None:
    issue(owner)
    restrict(tenant, *TEN_SCOPES)
    asked = ask(owner)
    real = auth0._credentials.associate

    def deleted_meanwhile(organization_id: str, grant_id: str) -> Any:
        tenant.delete("organizations", organization_id)
        return real(organization_id, grant_id)

    auth0._credentials.associate = deleted_meanwhile  # type: ignore[method-assign]
    drive(clock)
    assert states(asked) == ("needs_attention", "needs_attention")
    assert named(asked)
    assert tenant.delete_client_named(f"Latchkey {fresh(asked).key.marker}") == 1  # type: ignore[union-attr]
    retry_operation(SYSTEM, asked.pk, confirm_absent=True)
    drive(clock)
    assert states(asked) == ("failed", "failed")
    assert fresh(asked).error_code == "auth0_organization_gone"
