"""What ``after_restore`` does to a database that came from a backup."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import AuditEvent, IssuedKey, Membership, Operation, SigningKey, WorkerSeen
from portal.services import restore
from portal.services.audit import broken_entries
from portal.services.keys.request import request_key
from portal.services.operations.change import cancel_operation
from portal.services.restore import make_safe, skip_status_lists
from provisioning.errors import Transient
from tests.conftest import Clock
from tests.jobs.listing import Listing
from tests.services.remote import remote_key, work
from tokens.status_list import LIST_SIZE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def numbers_as_before(transactional_db: None) -> Iterator[None]:
    """The table's memory of numbers outlives a test; let none begin at 10^15."""
    rewind(10)
    yield
    rewind(1_000)


def new_key(owner: Membership) -> IssuedKey:
    return IssuedKey.objects.create(customer=owner.customer, name="x", plugin="jwt")


def test_the_next_key_is_the_first_of_a_list_nobody_was_in(owner: Membership) -> None:
    last = [new_key(owner) for _ in range(3)][-1]
    number = skip_status_lists()
    key = new_key(owner)
    assert key.pk == key.status_sequence == number * LIST_SIZE
    assert number >= last.pk // LIST_SIZE + 2
    assert new_key(owner).pk == key.pk + 1


def test_two_restores_from_one_backup_give_different_lists(owner: Membership, clock: Clock) -> None:
    backup = new_key(owner).pk
    first = skip_status_lists()
    given = new_key(owner)
    pk = given.pk
    given.delete()
    rewind(backup)
    clock.advance(seconds=1)
    assert skip_status_lists() > first
    assert new_key(owner).pk > pk


def rewind(sequence: int) -> None:
    """What restoring does to the table's memory of numbers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence('portal_issuedkey', 'id'), %s)", [sequence])
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'portal_issuedkey'", [sequence])


def test_a_clock_that_is_wrong_never_leads_back(owner: Membership, clock: Clock) -> None:
    first = skip_status_lists()
    key = new_key(owner)
    key.delete()  # the sequence remembers it
    clock.advance(days=-10_000)
    assert skip_status_lists() == first + 2
    assert new_key(owner).pk == (first + 2) * LIST_SIZE


@pytest.mark.skipif("connection.vendor == 'postgresql'")
def test_a_table_that_never_had_a_row_begins_there_too(owner: Membership) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = 'portal_issuedkey'")
    number = skip_status_lists()
    assert new_key(owner).pk == number * LIST_SIZE


def test_another_key_signs_and_the_audit_log_has_it(owner: Membership) -> None:
    before = SigningKey.objects.get(state="active", source="managed")
    done = make_safe()
    before.refresh_from_db()
    assert before.state == "retiring"
    assert SigningKey.objects.get(state="active", source="managed") == done.signing_key
    assert done.former_kid == before.kid
    assert SigningKey.objects.filter(state="staged").count() == 1
    event = AuditEvent.objects.get(action="portal.restored")
    assert event.detail["first_status_list"] == done.first_list
    assert list(broken_entries()) == []


def test_it_says_whether_the_lost_time_may_have_signed_with_the_key_that_signs_now(clock: Clock) -> None:
    SigningKey.objects.filter(state="staged").update(staged_at=now())
    assert not make_safe().may_have_signed
    clock.advance(days=2)
    assert make_safe().may_have_signed


def test_sessions_and_signs_of_life_are_gone(owner: Membership, client: Any) -> None:
    client.force_login(owner.user)
    WorkerSeen.objects.create(process="from the backup", seen_at=now())
    assert make_safe().sessions == 1
    assert not Session.objects.exists()
    assert not WorkerSeen.objects.exists()
    assert client.get("/keys").status_code == 302


@pytest.fixture
def opened(remote: Listing, owner: Membership) -> Operation:
    """An operation that the backup has as queued, and that was done afterwards."""
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="x", plugin="remote")
    key = IssuedKey.objects.get(operations=operation)
    remote.there["made since the backup"] = key.marker
    return operation


def test_what_may_have_been_done_is_not_done_again(remote: Listing, opened: Operation) -> None:
    assert make_safe().held == 1
    work()
    opened.refresh_from_db()
    assert (opened.state, opened.error_code, opened.run_after) == ("needs_attention", "restored", None)
    assert remote.made == 0
    key = IssuedKey.objects.get(operations=opened)
    assert key.status == "needs_attention"


def test_cancelling_it_removes_what_was_made(remote: Listing, opened: Operation, clock: Clock) -> None:
    make_safe()
    cancel_operation(SYSTEM, opened.pk)
    clock.advance(seconds=30)
    work()
    clock.advance(seconds=30)
    work()
    opened.refresh_from_db()
    assert (opened.state, remote.there) == ("cancelled", {})
    assert IssuedKey.objects.get(operations=opened).status == "failed"


def test_revocations_and_local_work_go_on(remote: Listing, owner: Membership, clock: Clock) -> None:
    from portal.services.keys.revoke import revoke_key

    key = remote_key(owner)
    revoke_key(SYSTEM, key.pk)
    local = request_key(SYSTEM, owner.customer_id, user=owner.user, name="local", plugin="jwt")
    Operation.objects.filter(pk=local.pk).update(lease_until=now())
    assert make_safe().held == 0
    call_command("after_restore", stdout=StringIO())
    clock.advance(minutes=10)
    work()
    key.refresh_from_db()
    assert (key.status, remote.there) == ("revoked", {})
    assert IssuedKey.objects.get(operations=local).status == "active"


def test_repeating_it_is_harmless(opened: Operation, owner: Membership, clock: Clock) -> None:
    first = make_safe()
    clock.advance(minutes=2)
    again = make_safe()
    assert again.first_list > first.first_list
    assert again.held == 0
    assert again.former_kid == first.signing_key.kid
    assert list(broken_entries()) == []


def test_a_crash_before_the_end_is_mended_by_repeating(
    opened: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(pk: int) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restore, "_hold", crash)
        with pytest.raises(KeyboardInterrupt):
            make_safe()
    assert make_safe().held == 1


def run(*options: str) -> str:
    out = StringIO()
    call_command("after_restore", *options, stdout=out)
    return out.getvalue()


def test_strays_are_reported_and_mended_on_request_alone(remote: Listing, owner: Membership) -> None:
    key = remote_key(owner)
    remote.there["of a lost key"] = "key-nobody-knows"
    told = run()
    assert "Reconcile remote: orphaned of a lost key: No key of this portal belongs to it." in told
    assert "1 credentials differ. Repeat with --repair" in told
    assert "of a lost key" in remote.there
    assert "0 credentials differ." in run("--repair")
    assert list(remote.there) == [key.external_id]


def test_it_says_in_words_what_a_person_has_to_do(opened: Operation) -> None:
    former = SigningKey.objects.get(state="active", source="managed").kid
    told = run()
    assert f"revoke_signing_key {former} --reason restore" in told
    assert "Cancel the 1 operations that need attention" in told
    assert "key.revoked" in told
    assert told.rstrip().endswith("Run verify_audit, start web and worker, make a new backup.")


def test_a_provider_that_is_away_doesnt_keep_the_rest_from_being_done(
    remote: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise Transient("away", "The provider is away.")

    monkeypatch.setattr(remote, "list", away)
    with pytest.raises(CommandError, match="remote could not be asked; all else is done"):
        run()
    assert AuditEvent.objects.filter(action="portal.restored").exists()
