from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.errors import Gone
from portal.jobs.run import run_inline
from portal.models import IssuedKey, Membership
from portal.services.actors import actor_of_user
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.unrevealed import REASON, revoke_unrevealed
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.services.remote import fresh, remote_key, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def unfetched(owner: Membership, clock: Clock) -> IssuedKey:
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="unfetched")
    run_inline(operation)
    return IssuedKey.objects.get(operations=operation)


def test_nothing_happens_in_the_first_week(unfetched: IssuedKey, owner: Membership, clock: Clock) -> None:
    clock.advance(days=7, seconds=-1)
    assert revoke_unrevealed() == 0
    assert reveal_key(actor_of_user(owner.user), unfetched.pk)


def test_after_a_week_the_secret_is_erased_and_the_key_revoked(
    unfetched: IssuedKey, owner: Membership, clock: Clock
) -> None:
    clock.advance(days=7)
    assert revoke_unrevealed() == 1
    key = fresh(unfetched)
    assert (key.status, key.sealed_secret, key.revoke_reason) == ("revoked", "", REASON)
    assert key.secret_erased_at == clock()
    clock.advance(days=30)
    with pytest.raises(Gone) as gone:
        reveal_key(actor_of_user(owner.user), unfetched.pk)
    assert gone.value.code == "secret_expired"
    assert revoke_unrevealed() == 0


def test_a_secret_that_was_fetched_keeps_its_key(
    unfetched: IssuedKey, owner: Membership, clock: Clock
) -> None:
    reveal_key(actor_of_user(owner.user), unfetched.pk)
    clock.advance(days=8)
    assert revoke_unrevealed() == 0
    assert fresh(unfetched).status == "active"


def test_the_remote_credential_goes_too(remote: Listing, owner: Membership, clock: Clock) -> None:
    key = remote_key(owner)
    clock.advance(days=7)
    assert revoke_unrevealed() == 1
    assert fresh(key).status == "revoking"
    work()
    assert not remote.there
    assert fresh(key).status == "revoked"
    with pytest.raises(Gone) as gone:
        reveal_key(actor_of_user(owner.user), key.pk)
    assert gone.value.code == "secret_expired"


def test_one_that_is_fetched_at_the_last_moment_is_left_alone(
    unfetched: IssuedKey, owner: Membership, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetched after the sweep had found it and before it had locked it."""
    from portal.services.keys import unrevealed

    clock.advance(days=7)
    found = unfetched.pk
    IssuedKey.objects.filter(pk=found).update(sealed_secret="", revealed_at=clock() - timedelta(seconds=1))
    assert unrevealed._revoke(found) is False
    assert fresh(unfetched).status == "active"
