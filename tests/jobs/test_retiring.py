"""The end of a rotation's overlap: once the old credential may be gone, the key is never active again."""

import pytest

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation, free_abandoned
from portal.jobs.run import run_operation
from portal.models import IssuedKey, Membership
from portal.services.keys.request import request_key
from portal.services.keys.rotate import rotate_key
from tests.conftest import Clock
from tests.jobs.listing import Listing

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ends here."""


def work() -> None:
    operation = claim_operation()
    assert operation is not None
    run_operation(operation)


@pytest.fixture
def retiring(provider: Listing, owner: Membership, clock: Clock) -> IssuedKey:
    """A key whose successor is active, within its overlap of 24 hours."""
    first = request_key(SYSTEM, owner.customer_id, user=owner.user, name="old")
    work()
    assert first.key_id is not None
    rotate_key(SYSTEM, first.key_id)
    work()
    return IssuedKey.objects.get(pk=first.key_id)


def test_a_clock_put_back_does_not_bring_back_what_was_removed(
    retiring: IssuedKey, provider: Listing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed_and_killed(customer_id: str, key: object) -> None:
        provider.there.pop(retiring.external_id)
        raise Killed

    clock.advance(hours=24)
    with monkeypatch.context() as patch:
        patch.setattr(provider, "revoke", removed_and_killed)
        with pytest.raises(Killed):
            work()
    assert IssuedKey.objects.get(pk=retiring.pk).status == "revoking"
    clock.advance(hours=-2)
    free_abandoned()
    work()
    assert IssuedKey.objects.get(pk=retiring.pk).status == "revoked"


def test_a_key_within_its_overlap_is_left_alone(retiring: IssuedKey, provider: Listing, clock: Clock) -> None:
    clock.advance(hours=23)
    assert claim_operation() is None
    assert retiring.external_id in provider.there
