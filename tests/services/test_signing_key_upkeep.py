from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from portal.core.actor import SYSTEM
from portal.models import IssuedKey, SigningKey
from portal.services.signing_keys.rotate import revoke_signing_key, rotate_signing_key
from portal.services.signing_keys.sync import sync_signing_keys
from portal.services.signing_keys.upkeep import keep_signing_keys
from tests.conftest import Api, Clock, key_of

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]


@pytest.fixture
def first(clock: Clock) -> SigningKey:
    """The active key, active and followed by a staged one since just now."""
    SigningKey.objects.update(staged_at=clock())
    SigningKey.objects.filter(state="active").update(activated_at=clock())
    return SigningKey.objects.get(state="active")


def states() -> list[str]:
    return sorted(SigningKey.objects.values_list("state", flat=True))


def test_nothing_is_done_before_its_time(first: SigningKey, clock: Clock) -> None:
    clock.at += settings.SIGNING_KEY_ROTATE_EVERY - timedelta(seconds=1)
    keep_signing_keys()
    assert SigningKey.objects.get(state="active") == first
    assert states() == ["active", "staged"]


def test_a_key_that_signed_for_long_enough_is_rotated_once(first: SigningKey, clock: Clock) -> None:
    staged = SigningKey.objects.get(state="staged")
    clock.at += settings.SIGNING_KEY_ROTATE_EVERY
    keep_signing_keys()
    keep_signing_keys()
    assert SigningKey.objects.get(state="active") == staged
    assert SigningKey.objects.get(state="retiring") == first
    assert states() == ["active", "retiring", "staged"]


def test_a_staged_key_that_gateways_may_not_know_is_waited_for(first: SigningKey, clock: Clock) -> None:
    clock.at += settings.SIGNING_KEY_ROTATE_EVERY
    SigningKey.objects.filter(state="staged").update(staged_at=clock())
    keep_signing_keys()
    assert SigningKey.objects.get(state="active") == first
    clock.at += settings.SIGNING_KEY_LEAD_TIME
    keep_signing_keys()
    assert SigningKey.objects.get(state="retiring") == first


def test_a_missing_staged_key_is_staged(first: SigningKey) -> None:
    SigningKey.objects.filter(state="staged").delete()
    keep_signing_keys()
    assert states() == ["active", "staged"]


def test_a_retired_key_ends_a_day_after_what_it_signed(first: SigningKey, issue: Issue, clock: Clock) -> None:
    issue(expires_in="2d")
    rotate_signing_key(SYSTEM, force=True)
    clock.advance(days=3, seconds=-1)
    keep_signing_keys()
    assert SigningKey.objects.get(pk=first.pk).state == "retiring"
    clock.advance(seconds=1)
    keep_signing_keys()
    assert SigningKey.objects.get(pk=first.pk).state == "retired"


def test_managed_keys_rotate_beside_an_imported_one(first: SigningKey, clock: Clock) -> None:
    SigningKey.objects.create(
        kid="imported", algorithm="HS256", source="imported", state="active", sealed_private="sealed",
        thumbprint="t", activated_at=clock(),
    )  # fmt: skip
    clock.at += settings.SIGNING_KEY_ROTATE_EVERY
    keep_signing_keys()
    assert SigningKey.objects.get(pk=first.pk).state == "retiring"
    assert SigningKey.objects.get(kid="imported").state == "active"


def test_a_revocation_that_a_crash_left_is_finished(first: SigningKey, issue: Issue, api: Api) -> None:
    key = key_of(issue())
    revoke_signing_key(SYSTEM, first.kid, reason="leaked")
    IssuedKey.objects.filter(pk=key.pk).update(status="active")
    keep_signing_keys()
    assert IssuedKey.objects.get(pk=key.pk).status == "revoked"


def test_it_agrees_with_what_every_start_does(first: SigningKey, clock: Clock) -> None:
    clock.at += settings.SIGNING_KEY_ROTATE_EVERY
    keep_signing_keys()
    before = set(SigningKey.objects.values_list("kid", "state"))
    sync_signing_keys()
    assert set(SigningKey.objects.values_list("kid", "state")) == before
