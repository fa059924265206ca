"""What repairing may end, what it must not, and whom it tells."""

import pytest

from portal.core.actor import SYSTEM
from portal.jobs.reconcile import reconcile_plugin
from portal.models import IssuedKey, Membership, Operation, Plan
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.operations.change import cancel_operation
from provisioning.contract import KeyRef, Resource
from provisioning.errors import Misconfigured
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.jobs.working import active_key, work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def any_number_of_keys(db: None) -> None:
    Plan.objects.update(max_keys=None)


def keys(owner: Membership, number: int) -> list[IssuedKey]:
    return [active_key(owner, f"key {n}") for n in range(number)]


def active() -> int:
    return IssuedKey.objects.filter(status="active").count()


def refused(provider: Listing) -> bool:
    try:
        reconcile_plugin(provider, repair=True)  # type: ignore[arg-type]
    except Misconfigured as exc:
        return exc.code == "provider_has_none"
    return False


def test_a_new_key_at_the_wrong_account_does_not_vouch_for_it(
    provider: Listing, owner: Membership, clock: Clock
) -> None:
    keys(owner, 12)
    provider.there.clear()
    active_key(owner, "made since")
    clock.advance(minutes=1)
    assert refused(provider)
    assert active() == 13


@pytest.mark.parametrize(("missing", "there", "refuses"), [(10, 9, True), (10, 10, False), (9, 0, False)])
def test_ten_missing_keys_and_more_than_half_are_too_many(
    provider: Listing, owner: Membership, clock: Clock, missing: int, there: int, refuses: bool
) -> None:
    for key in keys(owner, missing + there)[:missing]:
        del provider.there[key.external_id]
    clock.advance(minutes=1)
    assert refused(provider) is refuses
    assert active() == there + (missing if refuses else 0)


def test_the_provider_is_told_of_a_key_that_is_missing(
    provider: Listing, owner: Membership, clock: Clock
) -> None:
    """A list that lagged or was cut off must not leave a credential alive that is revoked here."""
    (key,) = keys(owner, 1)
    clock.advance(minutes=1)
    provider.list = lambda: iter(())  # type: ignore[method-assign]
    provider.find = lambda customer_id, marker: None  # type: ignore[method-assign]
    reconcile_plugin(provider, repair=True)  # type: ignore[arg-type]
    key.refresh_from_db()
    assert (key.status, len(provider.there)) == ("revoking", 1)
    work()
    key.refresh_from_db()
    assert (key.status, provider.there) == ("revoked", {})


def test_what_ends_while_it_is_listed_is_no_orphan(
    provider: Listing, owner: Membership, clock: Clock
) -> None:
    (key,) = keys(owner, 1)
    provider.lose_answers = 1
    given_up = request_key(SYSTEM, owner.customer_id, user=owner.user, name="given up")
    work()
    clock.advance(minutes=1)
    listed = [KeyRef(marker, "", id) for id, marker in provider.there.items()]

    def pages() -> list[KeyRef]:
        revoke_key(SYSTEM, key.pk)
        cancel_operation(SYSTEM, given_up.pk)
        while work():
            pass
        return listed

    provider.list = lambda: iter(pages())  # type: ignore[method-assign]
    assert reconcile_plugin(provider, repair=False) == []  # type: ignore[arg-type]
    assert provider.there == {}
    assert not Operation.objects.filter(finished_at=None).exists()


def test_a_key_that_find_shows_is_spared(provider: Listing, owner: Membership, clock: Clock) -> None:
    (key,) = keys(owner, 1)
    clock.advance(minutes=1)
    provider.list = lambda: iter(())  # type: ignore[method-assign]
    assert isinstance(provider.find("", key.marker), Resource)
    reconcile_plugin(provider, repair=True)  # type: ignore[arg-type]
    assert active() == 1
