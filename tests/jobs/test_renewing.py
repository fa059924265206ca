"""A secret that was lost is replaced, and no earlier replacement can land after the last."""

import pytest
from django.db import transaction

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation
from portal.jobs.ledger import SETTLE, DatabaseCalls
from portal.models import Call, Membership, Operation, ProviderAccount
from portal.services.keys.request import request_key
from portal.services.operations.run import fenced, finish
from provisioning.contract import Resource
from provisioning.errors import OutcomeUnknown, Rejected, Transient
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.jobs.listing import Listing, provider  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


class Vault:
    """A provider that shows each secret once. ``errors`` happen to the next requests."""

    def __init__(self) -> None:
        self.secret = ""
        self.errors: list[Exception] = []
        self._made = 0

    def create(self) -> Resource:
        return Resource("the credential", self._new())

    def renew(self, resource_id: str) -> Secret:
        assert resource_id == "the credential"
        return self._new()

    def _new(self) -> Secret:
        error = self.errors.pop(0) if self.errors else None
        if not isinstance(error, Rejected):
            self._made += 1
            self.secret = f"secret number {self._made}"
        if error is not None:
            raise error
        return Secret(self.secret)


@pytest.fixture
def claimed(provider: Listing, owner: Membership, clock: Clock) -> Operation:  # noqa: F811
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
    operation = claim_operation()
    assert operation is not None
    return operation


@pytest.fixture
def vault() -> Vault:
    return Vault()


def ensure(operation: Operation, vault: Vault) -> Resource:
    found = lambda: Resource("the credential") if vault.secret else None  # noqa: E731
    return DatabaseCalls(operation).ensure("key", create=vault.create, find=found, renew=vault.renew)


def lose_the_first(operation: Operation, vault: Vault, clock: Clock) -> None:
    """The credential is there, and its secret was never heard."""
    vault.errors = [OutcomeUnknown("reset")]
    with pytest.raises(OutcomeUnknown):
        ensure(operation, vault)
    clock.at += SETTLE


def test_a_secret_is_kept_sealed_until_the_operation_has_ended(claimed: Operation, vault: Vault) -> None:
    first, later = ensure(claimed, vault), ensure(claimed, vault)
    assert first.secret == later.secret == Secret("secret number 1")
    kept = Call.objects.get().sealed_secret
    assert kept
    assert "secret number 1" not in kept
    with transaction.atomic():
        finish(fenced(claimed), Operation.State.FAILED)
    assert Call.objects.get().sealed_secret == ""


def test_a_secret_that_was_lost_is_renewed_once(claimed: Operation, vault: Vault, clock: Clock) -> None:
    lose_the_first(claimed, vault, clock)
    for _ in range(2):
        assert ensure(claimed, vault).secret == Secret("secret number 2") == Secret(vault.secret)


def test_a_renewal_whose_answer_was_lost_settles_first(
    claimed: Operation, vault: Vault, clock: Clock
) -> None:
    lose_the_first(claimed, vault, clock)
    vault.errors = [OutcomeUnknown("reset")]
    with pytest.raises(OutcomeUnknown):
        ensure(claimed, vault)
    with pytest.raises(Transient) as caught:
        ensure(claimed, vault)
    assert (caught.value.code, caught.value.retry_after) == ("settling", SETTLE)
    assert vault.secret == "secret number 2"
    clock.at += SETTLE
    renewed = ensure(claimed, vault)
    assert renewed.secret == Secret("secret number 3") == Secret(vault.secret)
    assert Call.objects.get().attempt_at is None


def test_a_renewal_that_was_refused_may_be_repeated_at_once(
    claimed: Operation, vault: Vault, clock: Clock
) -> None:
    lose_the_first(claimed, vault, clock)
    vault.errors = [Rejected("no")]
    with pytest.raises(Rejected):
        ensure(claimed, vault)
    assert ensure(claimed, vault).secret == Secret("secret number 2")


def test_what_was_forgotten_is_created_anew(claimed: Operation, vault: Vault) -> None:
    ensure(claimed, vault)
    DatabaseCalls(claimed).forget("key")
    assert not Call.objects.exists()
    assert ensure(claimed, vault).secret == Secret("secret number 2")


def test_an_account_that_was_forgotten_is_looked_up_before_it_is_created(claimed: Operation) -> None:
    calls, there = DatabaseCalls(claimed), [Resource("org-1")]

    def organization() -> Resource:
        return calls.ensure(
            "organization",
            create=lambda: Resource("org-2"),
            find=lambda: there[0] if there else None,
            account="organization",
        )

    assert organization().id == "org-1"
    there.clear()
    assert organization().id == "org-1"
    calls.forget("organization", account="organization")
    assert not ProviderAccount.objects.exists()
    assert organization().id == "org-2"
    assert ProviderAccount.objects.get().external_id == "org-2"
