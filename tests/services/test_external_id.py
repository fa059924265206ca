"""An ``external_id`` that a provider has heard of, or is just being told, can't change."""

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.models import Customer, Membership, Operation, ProviderAccount
from portal.services.customers import update_customer
from portal.services.operations.queue import request_provisioning
from provisioning.contract import Calls, RemoteUser, Resource
from provisioning.errors import Misconfigured, OutcomeUnknown
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.services.remote import work

pytestmark = pytest.mark.django_db


def renamed(customer: Customer) -> bool:
    try:
        update_customer(SYSTEM, customer.pk, {"external_id": "another"})
    except Conflict as exc:
        return exc.code != "external_id_fixed"
    return True


def provision(owner: Membership) -> Operation:
    return request_provisioning(SYSTEM, owner.customer_id, user=owner.user, plugin="remote")


def test_it_may_change_while_nobody_outside_knows_it(owner: Membership) -> None:
    assert renamed(owner.customer)


def test_an_account_fixes_it(remote: Listing, owner: Membership, clock: Clock) -> None:
    provision(owner)
    work()
    assert Operation.objects.get().state == "succeeded"
    assert ProviderAccount.objects.exists()
    assert not renamed(owner.customer)


def test_an_operation_that_has_not_ended_fixes_it(remote: Listing, owner: Membership, clock: Clock) -> None:
    """A request that was lost may have told it; under another one a second account would be made."""
    organizations: list[str] = []

    def provision_user(
        customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        def create() -> Resource:
            organizations.append(customer_id)
            raise OutcomeUnknown("reset")

        calls.ensure(
            "org",
            create=create,
            find=lambda: Resource(customer_id) if customer_id in organizations else None,
            account="organization",
        )
        return RemoteUser("user", email)

    remote.provision_user = provision_user  # type: ignore[method-assign]
    provision(owner)
    assert not renamed(owner.customer)
    work()
    assert not renamed(owner.customer)
    clock.advance(seconds=30)
    work()
    assert Operation.objects.get().state == "succeeded"
    assert organizations == [owner.customer.external_id]


def test_one_that_needs_a_person_fixes_it(remote: Listing, owner: Membership, clock: Clock) -> None:
    def provision_user(*args: object, **named: object) -> RemoteUser:
        raise Misconfigured("no_permission")

    remote.provision_user = provision_user  # type: ignore[method-assign]
    provision(owner)
    work()
    assert Operation.objects.get().state == "needs_attention"
    assert not renamed(owner.customer)
