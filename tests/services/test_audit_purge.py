"""Purging is the only way to take entries out of the audit log that verifies."""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, AuditHead, Customer
from portal.services import audit_purge
from portal.services.audit import Action, broken_entries, record
from portal.services.audit_purge import purge_entries
from portal.services.customers import create_customer
from portal.services.members import add_member
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
OLD = settings.AUDIT_RETENTION + timedelta(days=1)


@pytest.fixture
def customer(clock: Clock) -> Customer:
    """With three entries past their retention (and one in the portal's chain for each member)."""
    customer = create_customer(SYSTEM, name="old")
    for number in range(2):
        add_member(SYSTEM, customer.pk, email=f"old{number}@example.com")
    clock.at += OLD
    return customer


@pytest.fixture
def purged(customer: Customer, clock: Clock) -> Customer:
    """Half of whose chain was purged: three entries gone, two left."""
    for number in range(2):
        add_member(SYSTEM, customer.pk, email=f"new{number}@example.com")
    assert purge_entries() > 3
    return customer


def head(chain: str) -> AuditHead:
    return AuditHead.objects.get(chain=chain)


def numbers(chain: str) -> list[int]:
    return list(AuditEvent.objects.filter(chain=chain).order_by("number").values_list("number", flat=True))


def faults() -> str:
    return " ".join(broken_entries())


def test_a_purged_log_is_intact_and_goes_on(purged: Customer) -> None:
    assert numbers(purged.public_id) == [4, 5]
    assert (head(purged.public_id).purged, head(purged.public_id).count) == (3, 5)
    assert faults() == ""
    add_member(SYSTEM, purged.pk, email="later@example.com")
    assert numbers(purged.public_id) == [4, 5, 6]
    assert faults() == ""


def test_the_number_to_compare_never_falls(customer: Customer) -> None:
    before = sum(AuditHead.objects.values_list("count", flat=True))
    purge_entries()
    out = StringIO()
    call_command("verify_audit", stdout=out)
    told = int(out.getvalue().split()[3])
    assert told >= before
    purged = sum(AuditHead.objects.values_list("purged", flat=True))
    assert out.getvalue() == f"audit log intact: {told} entries, {purged} of them purged\n"


def test_a_chain_may_be_purged_to_its_last_entry(customer: Customer) -> None:
    purge_entries()
    assert numbers(customer.public_id) == []
    assert faults() == ""
    add_member(SYSTEM, customer.pk, email="later@example.com")
    assert numbers(customer.public_id) == [4]
    assert faults() == ""


def test_young_entries_stay(clock: Clock) -> None:
    young = create_customer(SYSTEM, name="young")
    clock.at += settings.AUDIT_RETENTION
    purge_entries()
    assert numbers(young.public_id) == [1]
    clock.advance(seconds=1)
    purge_entries()
    assert numbers(young.public_id) == []


def test_an_old_entry_behind_a_young_one_stays(customer: Customer, clock: Clock) -> None:
    """The clock was put back: only a chain's beginning may go."""
    add_member(SYSTEM, customer.pk, email="young@example.com")
    clock.at -= OLD
    add_member(SYSTEM, customer.pk, email="dated-back@example.com")
    clock.at += OLD
    purge_entries()
    assert numbers(customer.public_id) == [4, 5]
    assert faults() == ""


@pytest.mark.parametrize("number", [4, 5])
def test_removing_more_than_was_purged_is_found(purged: Customer, number: int) -> None:
    AuditEvent.objects.filter(chain=purged.public_id, number=number).delete()
    assert purged.public_id in faults() or "entries before it are missing" in faults()


def test_cutting_off_all_that_is_left_is_found(purged: Customer) -> None:
    AuditEvent.objects.filter(chain=purged.public_id).delete()
    assert f"chain {purged.public_id}: 2 entries were cut off after number 3" in faults()


def test_an_entry_put_where_others_were_purged_is_found(purged: Customer) -> None:
    event = AuditEvent.objects.get(chain=purged.public_id, number=4)
    AuditEvent.objects.create(
        actor=event.actor, action=event.action, object=event.object, customer=purged,
        chain=event.chain, number=2, mac=event.mac,
    )  # fmt: skip
    assert "inserted where entries had been purged" in faults()


def test_an_altered_entry_is_found_after_a_purge(purged: Customer) -> None:
    AuditEvent.objects.filter(chain=purged.public_id, number=4).update(actor="user somebody-else")
    assert "altered, inserted or moved" in faults()


def test_a_checkpoint_moved_by_hand_is_found(purged: Customer) -> None:
    fourth = AuditEvent.objects.get(chain=purged.public_id, number=4)
    AuditHead.objects.filter(chain=purged.public_id).update(purged=4, purged_mac=fourth.mac)
    fourth.delete()
    assert f"chain {purged.public_id}: its head was altered" in faults()


def test_a_checkpoint_invented_for_a_chain_never_purged_is_found(customer: Customer) -> None:
    first = AuditEvent.objects.get(chain=customer.public_id, number=1)
    AuditHead.objects.filter(chain=customer.public_id).update(purged=1, purged_mac=first.mac)
    first.delete()
    assert "its head was altered" in faults()


def test_a_checkpoint_taken_away_is_found(purged: Customer) -> None:
    AuditHead.objects.filter(chain=purged.public_id).update(purged=0, purged_mac="")
    assert "its head was altered" in faults()


def test_what_was_tampered_with_is_not_purged(customer: Customer) -> None:
    """Else dating entries back would have the portal remove them, and sign for it."""
    second = AuditEvent.objects.filter(chain=customer.public_id, number=2)
    second.update(actor="user somebody-else")
    purge_entries()
    assert numbers(customer.public_id) == [1, 2, 3]
    assert second.get().public_id in faults()


def test_a_young_entry_dated_back_is_not_purged(customer: Customer, clock: Clock) -> None:
    add_member(SYSTEM, customer.pk, email="young@example.com")
    young = AuditEvent.objects.filter(chain=customer.public_id, number=4)
    young.update(at=clock() - OLD)
    purge_entries()
    assert young.exists()
    assert young.get().public_id in faults()


def test_a_removed_entry_is_not_covered_up_by_a_purge(customer: Customer) -> None:
    AuditEvent.objects.filter(chain=customer.public_id, number=2).delete()
    purge_entries()
    assert "1 entries before it are missing" in faults()


def test_a_chain_outlives_its_announcement(purged: Customer) -> None:
    kept = AuditEvent.objects.filter(action=Action.CHAIN_KEPT, object=purged.public_id)
    assert not AuditEvent.objects.filter(action=Action.CHAIN_STARTED, object=purged.public_id).exists()
    assert kept.count() == 1
    AuditEvent.objects.filter(chain=purged.public_id).delete()
    AuditHead.objects.filter(chain=purged.public_id).delete()
    assert f"chain {purged.public_id}: its head is missing" in faults()


def test_it_outlives_its_second_announcement_too(purged: Customer, clock: Clock) -> None:
    clock.at += OLD
    record(SYSTEM, Action.PLAN_CHANGED, "plan_x")
    purge_entries()
    assert AuditEvent.objects.filter(action=Action.CHAIN_KEPT, object=purged.public_id).count() == 1
    assert faults() == ""


def test_a_vanished_chain_is_still_missed_after_a_purge(customer: Customer) -> None:
    AuditEvent.objects.filter(chain=customer.public_id).delete()
    AuditHead.objects.filter(chain=customer.public_id).delete()
    purge_entries()
    assert f"chain {customer.public_id}: its head is missing" in faults()


def test_one_broken_chain_keeps_no_other_from_being_purged(customer: Customer, clock: Clock) -> None:
    clock.at -= OLD
    other = create_customer(SYSTEM, name="other")
    clock.at += OLD
    AuditEvent.objects.filter(chain=customer.public_id, number=1).update(actor="user somebody-else")
    purge_entries()
    assert numbers(other.public_id) == []
    assert numbers(customer.public_id) == [1, 2, 3]


def test_every_batch_leaves_a_chain_that_verifies(
    customer: Customer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between two of them is a purge that ended early."""
    monkeypatch.setattr(audit_purge, "BATCH", 1)
    for left in ([2, 3], [3], []):
        assert audit_purge._purge_some(customer.public_id, clock() - settings.AUDIT_RETENTION) == 1
        assert numbers(customer.public_id) == left
        assert faults() == ""
