from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, AuditHead
from portal.services.audit import Action, broken_entries, record
from portal.services.customers import create_customer
from portal.services.members import add_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(db: None) -> list[str]:
    """Two customers with a few entries each; returns their chains."""
    chains = []
    for number in range(2):
        customer = create_customer(SYSTEM, name=f"c{number}")
        for member in range(3):
            add_member(SYSTEM, customer.pk, email=f"m{member}-{number}@example.com")
        chains.append(customer.public_id)
    return chains


def test_an_untouched_log_is_intact(history: list[str]) -> None:
    assert list(broken_entries()) == []
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue() == f"audit log intact: {AuditEvent.objects.count()} entries\n"


def faults() -> str:
    return " ".join(broken_entries())


def test_an_altered_entry_is_found(history: list[str]) -> None:
    event = AuditEvent.objects.filter(chain=history[0]).earliest("number")
    AuditEvent.objects.filter(pk=event.pk).update(actor="user somebody-else")
    assert event.public_id in faults()
    with pytest.raises(CommandError, match=event.public_id):
        call_command("verify_audit")


def test_a_moved_entry_is_found(history: list[str]) -> None:
    one, two = AuditEvent.objects.filter(chain=history[0]).order_by("number")[:2]
    AuditEvent.objects.filter(pk=one.pk).update(number=99)
    AuditEvent.objects.filter(pk=two.pk).update(number=one.number)
    AuditEvent.objects.filter(pk=one.pk).update(number=two.number)
    assert "altered, inserted or moved" in faults()


def test_a_removed_entry_is_found(history: list[str]) -> None:
    AuditEvent.objects.filter(chain=history[0], number=2).delete()
    assert "1 entries before it are missing" in faults()


def test_cut_off_entries_are_found(history: list[str]) -> None:
    AuditEvent.objects.filter(chain=history[0], number__gte=3).delete()
    assert "were cut off after number 2" in faults()


def test_an_inserted_entry_is_found(history: list[str]) -> None:
    last = AuditEvent.objects.filter(chain=history[0]).latest("number")
    AuditEvent.objects.create(
        actor="system portal",
        action="key.revealed",
        object="key_x",
        chain=history[0],
        number=last.number + 1,
        mac=last.mac,
        customer=last.customer,
    )
    assert "altered, inserted or moved" in faults()


def test_a_head_set_back_is_found(history: list[str]) -> None:
    second = AuditEvent.objects.get(chain=history[0], number=2)
    AuditEvent.objects.filter(chain=history[0], number__gt=2).delete()
    AuditHead.objects.filter(chain=history[0]).update(count=2, last_mac=second.mac)
    assert "its head was altered" in faults()


def test_a_whole_chain_that_is_gone_is_found(history: list[str]) -> None:
    AuditEvent.objects.filter(chain=history[0]).delete()
    AuditHead.objects.filter(chain=history[0]).delete()
    assert f"chain {history[0]}: its head is missing" in faults()


def test_an_emptied_log_is_found(history: list[str]) -> None:
    AuditEvent.objects.all().delete()
    AuditHead.objects.all().delete()
    assert "its head is missing" in faults()


def test_entries_need_the_transaction_of_their_change(transactional_db: None) -> None:
    with pytest.raises(RuntimeError):
        record(SYSTEM, Action.CUSTOMER_CREATED, "cus_x")


def test_the_log_names_nobody(history: list[str]) -> None:
    assert "@" not in " ".join(f"{e.actor} {e.object} {e.detail}" for e in AuditEvent.objects.all())
