import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.core.actor import SYSTEM
from portal.core.stopping import stopping
from portal.jobs.claim import claim_operation
from portal.jobs.reconcile import Drift, reconcile_plugin
from portal.jobs.run import run_operation
from portal.models import AuditEvent, IssuedKey, Membership, PluginState
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from provisioning.errors import Misconfigured
from tests.conftest import Clock
from tests.jobs.listing import Listing, provider  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(provider: Listing, owner: Membership, clock: Clock) -> Callable[[], IssuedKey]:  # noqa: F811
    """Issue a key through the provider."""

    def make() -> IssuedKey:
        asked = request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
        work()
        clock.advance(minutes=1)
        return IssuedKey.objects.get(pk=asked.key_id)

    return make


def work() -> None:
    operation = claim_operation()
    assert operation is not None
    run_operation(operation)


def kinds(drifts: list[Drift]) -> list[tuple[str, str]]:
    return [(drift.kind, drift.external_id) for drift in drifts]


def test_nothing_differs(made: Callable[[], IssuedKey], provider: Listing) -> None:  # noqa: F811
    made()
    assert reconcile_plugin(provider, repair=False) == []  # type: ignore[arg-type]
    assert PluginState.objects.get().reconciled_at is not None


def test_a_credential_that_was_deleted_there_is_missing_and_its_key_ends(
    made: Callable[[], IssuedKey], provider: Listing  # noqa: F811
) -> None:  # fmt: skip
    key = made()
    provider.there.clear()
    assert kinds(reconcile_plugin(provider, repair=False)) == [("missing", key.external_id)]  # type: ignore[arg-type]
    assert PluginState.objects.get().drift[0]["key"] == key.public_id
    assert IssuedKey.objects.get().status == "active", "a look changes nothing"
    assert reconcile_plugin(provider, repair=True) == []  # type: ignore[arg-type]
    work()
    found = IssuedKey.objects.get()
    assert (found.status, found.sealed_secret) == ("revoked", "")
    assert found.revoke_reason == "deleted at the provider"
    assert AuditEvent.objects.filter(action="key.revoked").exists()


def test_a_key_that_its_provider_does_not_list_yet_is_spared(
    provider: Listing, owner: Membership, clock: Clock, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    asked = request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
    work()
    clock.advance(seconds=1)
    shown, provider.there = provider.there, {}

    def wait(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)
        provider.there = shown

    monkeypatch.setattr(stopping, "wait", wait)
    assert reconcile_plugin(provider, repair=True) == []  # type: ignore[arg-type]
    assert IssuedKey.objects.get(pk=asked.key_id).status == "active"


def test_strays_and_second_credentials_are_deleted_and_the_key_is_spared(
    made: Callable[[], IssuedKey], provider: Listing  # noqa: F811
) -> None:  # fmt: skip
    key = made()
    provider.there |= {"second": key.marker, "stray": "key-that-no-row-has"}
    found = kinds(reconcile_plugin(provider, repair=False))  # type: ignore[arg-type]
    assert sorted(found) == [("drifted", "second"), ("orphaned", "stray")]
    assert reconcile_plugin(provider, repair=True) == []  # type: ignore[arg-type]
    assert provider.there == {key.external_id: key.marker}
    assert IssuedKey.objects.get().status == "active"


def test_a_revoked_keys_credential_that_lives_is_deleted(
    made: Callable[[], IssuedKey], provider: Listing, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    key = made()
    revoke_key(SYSTEM, key.pk)
    assert reconcile_plugin(provider, repair=True) == [], "its revocation is under way"  # type: ignore[arg-type]
    assert provider.there
    work()
    clock.advance(minutes=1)
    provider.there = {key.external_id: key.marker}
    assert kinds(reconcile_plugin(provider, repair=False)) == [("orphaned", key.external_id)]  # type: ignore[arg-type]
    assert reconcile_plugin(provider, repair=True) == []  # type: ignore[arg-type]
    assert provider.there == {}


def test_what_is_being_created_is_left_alone(
    provider: Listing, owner: Membership, clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
    provider.lose_answers = 1
    work()
    assert reconcile_plugin(provider, repair=True) == []  # type: ignore[arg-type]
    assert len(provider.there) == 1


def test_a_wrong_account_ends_no_keys(made: Callable[[], IssuedKey], provider: Listing) -> None:  # noqa: F811
    for _ in range(10):
        made()
    provider.there.clear()
    with pytest.raises(Misconfigured) as caught:
        reconcile_plugin(provider, repair=True)  # type: ignore[arg-type]
    assert caught.value.code == "provider_has_none"
    assert IssuedKey.objects.filter(status="active").count() == 10


def test_the_command_ends_with_1_while_something_differs(
    made: Callable[[], IssuedKey], provider: Listing, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    made()
    provider.there["stray"] = "key-x"
    with pytest.raises(CommandError, match="1 credential differs; --repair"):
        call_command("reconcile", format="json")
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["plugin"], found["kind"], found["external_id"]) == ("remote", "orphaned", "stray")
    call_command("reconcile", plugin="remote", repair=True)
    assert "nothing differs" in capsys.readouterr().out
