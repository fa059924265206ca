"""Rotating a key whose successor never lived, and retiring it early."""

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.models import IssuedKey, Membership, Operation
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.services.operations.change import cancel_operation, retry_operation
from provisioning.errors import Rejected
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.services.remote import fresh, remote_key, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(remote: Listing, owner: Membership, clock: Clock) -> IssuedKey:
    return remote_key(owner)


@pytest.mark.parametrize("end", ["revoked", "cancelled", "cancelled later", "refused"])
def test_a_successor_that_never_lived_does_not_stand_in_the_way(
    key: IssuedKey, remote: Listing, clock: Clock, end: str
) -> None:
    successor = rotate_key(SYSTEM, key.pk)
    if end == "revoked":
        revoke_key(SYSTEM, successor.key_id)  # type: ignore[arg-type]
    elif end == "refused":
        remote.refusals = [Rejected("not_today")]
    elif end == "cancelled later":
        remote.lose_answers = 1
        work()
    if end.startswith("cancelled"):
        cancel_operation(SYSTEM, successor.pk)
    clock.advance(minutes=1)
    work()
    assert IssuedKey.objects.get(operations=successor).status in ("revoked", "failed")
    again = rotate_key(SYSTEM, key.pk)
    work()
    assert IssuedKey.objects.get(operations=again).status == "active"
    assert fresh(key).retires_at is not None


def test_a_successor_that_has_lived_or_may_live_does(key: IssuedKey, remote: Listing) -> None:
    rotate_key(SYSTEM, key.pk)
    for _ in range(2):
        with pytest.raises(Conflict) as caught:
            rotate_key(SYSTEM, key.pk)
        assert caught.value.code == "already_rotated"
        work()
    revoke_key(SYSTEM, IssuedKey.objects.get(rotated_from=key).pk)
    work()
    with pytest.raises(Conflict):
        rotate_key(SYSTEM, key.pk)


def test_a_retirement_that_is_run_early_is_postponed(key: IssuedKey, remote: Listing, clock: Clock) -> None:
    rotate_key(SYSTEM, key.pk)
    work()
    retirement = Operation.objects.get(kind="revoke_key")
    planned = retirement.run_after
    for _ in range(3):
        clock.advance(hours=1)
        retry_operation(SYSTEM, retirement.pk)
        work()
        retirement.refresh_from_db()
        assert (retirement.state, retirement.run_after, retirement.error_code) == ("queued", planned, "")
        assert retirement.failing_since is None
        assert fresh(key).status == "active"
    assert planned is not None
    clock.at = planned
    work()
    assert fresh(key).status == "revoked"
    assert len(remote.there) == 1
