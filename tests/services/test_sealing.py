"""Re-encrypting what is stored sealed."""

import threading
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from portal.core.clock import now
from portal.core.errors import Unavailable
from portal.core.sealing import resealed, seal, unseal
from portal.models import Call, Customer, DataKey, IdempotencyRecord, IssuedKey, Membership, SigningKey
from portal.services.data_keys import data_key
from portal.services.sealing import SEALED, rotate_sealing_key
from provisioning.secret import Secret
from tests.factories import PhoneTokenFactory
from tests.real.waiting import eventually

OLD, NEW = "old-sealing-key-" * 3, "new-sealing-key-" * 3


def test_every_sealed_field_is_in_the_list() -> None:
    """A model that gets one is missed here: add it to ``SEALED``."""
    found = {
        (model, field.name)
        for model in apps.get_app_config("portal").get_models()
        for field in model._meta.get_fields()
        if "seal" in field.name
    }
    assert found == {(place.model, place.field) for place in SEALED if not place.member}
    assert len(found) >= 5


@pytest.fixture
def stored(transactional_db: None, settings: Any, owner: Membership) -> Customer:
    """One sealed value in each table, under the old key, among what has none."""
    settings.SEALING_KEYS = (*settings.SEALING_KEYS, NEW)
    rotate_sealing_key()  # to the test's own key; from here on all is under OLD
    settings.SEALING_KEYS = (OLD, *settings.SEALING_KEYS)
    rotate_sealing_key()
    for secret in ("", seal(Secret('"key"'))):
        IssuedKey.objects.create(customer=owner.customer, name="x", plugin="jwt", sealed_secret=secret)
        Call.objects.create(scope=f"op{len(secret)}", step="x", sealed_secret=secret)
    IdempotencyRecord.objects.create(
        caller="c", method="POST", path="/", key="k", body_digest="", owner="o", lease_until=now(),
        status=201, sealed_answer=seal(Secret("[{}, {}]")),
    )  # fmt: skip
    PhoneTokenFactory()
    data_key("audit")
    TOTP.activate(owner.user, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(owner.user)
    settings.SEALING_KEYS = (NEW, OLD)
    return owner.customer


def sealed() -> list[str]:
    return [place.read(row) for place in SEALED for row in place.rows()]


def test_everything_opens_with_the_new_key_alone(stored: Customer, settings: Any) -> None:
    audit = data_key("audit")
    plain = sorted(unseal(value).reveal() for value in sealed())
    done = rotate_sealing_key()
    assert {place.table for place in SEALED} == set(done.resealed)
    assert sum(done.resealed.values()) == len(plain) == 10
    assert done.unopened == []
    settings.SEALING_KEYS = (NEW,)
    assert sorted(unseal(value).reveal() for value in sealed()) == plain
    assert data_key("audit") == audit


def test_a_repetition_changes_nothing(stored: Customer) -> None:
    rotate_sealing_key()
    before = sealed()
    done = rotate_sealing_key()
    assert sum(done.resealed.values()) == 0
    assert sum(done.current.values()) == 10
    assert sealed() == before


def test_what_no_key_opens_is_named_and_kept_and_the_rest_is_done(stored: Customer, settings: Any) -> None:
    settings.SEALING_KEYS = ("lost-sealing-key-" * 3,)
    lost = seal(Secret("gone"))
    settings.SEALING_KEYS = (NEW, OLD)
    key = IssuedKey.objects.create(customer=stored, name="lost", plugin="jwt", sealed_secret=lost)
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("rotate_sealing_key", stdout=out)
    assert f"opens 1 values: portal_issuedkey {key.pk}." in str(refused.value)
    assert lost not in str(refused.value)
    assert "can go" not in out.getvalue()
    key.refresh_from_db()
    assert key.sealed_secret == lost
    assert all(resealed(value) is None for value in sealed() if value != lost)


def test_the_command_says_what_it_did(stored: Customer) -> None:
    out = StringIO()
    call_command("rotate_sealing_key", stdout=out)
    assert "portal_signingkey: 2 re-encrypted, 0 current" in out.getvalue()
    assert "the others can go" in out.getvalue()


def test_a_row_that_somebody_holds_is_not_waited_for_but_done_later(stored: Customer) -> None:
    """Waiting while holding others is what deadlocks are made of."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    holds, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            DataKey.objects.select_for_update().get(name="audit")
            holds.set()
            release.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait(30)

    def rotate() -> None:
        rotate_sealing_key()
        connection.close()

    rotating = threading.Thread(target=rotate)
    rotating.start()
    other = DataKey.objects.get(name="status-index")

    def is_done() -> bool:
        other.refresh_from_db()
        return resealed(other.sealed_key) is None

    eventually(is_done, "the row beside it is done")
    held = DataKey.objects.get(name="audit")
    assert resealed(held.sealed_key) is not None
    release.set()
    holder.join()
    rotating.join(30)
    held.refresh_from_db()
    assert resealed(held.sealed_key) is None
    assert all(resealed(value) is None for value in sealed())


def test_a_secret_revealed_meanwhile_stays_gone(stored: Customer) -> None:
    listed = False

    def reveal_once_listed(execute: Any, sql: str, *rest: Any) -> Any:
        """Another process reveals between the look at which rows there are and the look at them."""
        nonlocal listed
        found = execute(sql, *rest)
        if not listed and sql.startswith(f'SELECT "{IssuedKey._meta.db_table}"."id"'):
            listed = True
            assert IssuedKey.objects.update(sealed_secret="", revealed_at=now())
        return found

    with connection.execute_wrapper(reveal_once_listed):
        done = rotate_sealing_key()
    assert listed
    assert (done.resealed["portal_issuedkey"], done.unopened) == (0, [])
    assert set(IssuedKey.objects.values_list("sealed_secret", flat=True)) == {""}


def test_resealing_says_when_no_key_fits(settings: Any) -> None:
    settings.SEALING_KEYS = (OLD,)
    text = seal(Secret("x"))
    assert resealed(text) is None
    settings.SEALING_KEYS = (NEW, OLD)
    assert unseal(resealed(text) or "").reveal() == "x"
    settings.SEALING_KEYS = (NEW,)
    with pytest.raises(Unavailable):
        resealed(text)


def test_signing_goes_on_over_the_change(stored: Customer, settings: Any) -> None:
    from portal.services.signing_keys.lookup import active_key

    before = active_key(SigningKey.Source.MANAGED).kid
    rotate_sealing_key()
    settings.SEALING_KEYS = (NEW,)
    assert active_key(SigningKey.Source.MANAGED).kid == before
