"""``/activity.csv``: what is shown, as a file that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import AuditEvent, IssuedKey, Membership
from portal.services.actors import actor_of_user
from portal.services.audit import broken_entries
from portal.services.keys.request import request_key
from portal.services.members import add_member
from portal.web.activity import export
from tests.conftest import Clock
from tests.web.test_activity import store

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]


def whole(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def rows(browser: Client, query: str = "") -> list[dict[str, str]]:
    text = whole(browser.get(f"/activity.csv{query}")).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_it_is_a_csv_file_that_excel_reads(browser: Client, owner: Membership, clock: Clock) -> None:
    owner.customer.name = "Müller & Söhne / “A”"
    owner.customer.save()
    answer = browser.get("/activity.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    day = clock().date().isoformat()
    assert answer["Content-Disposition"] == f'attachment; filename="activity-muller-sohne-a-{day}.csv"'
    assert "no-store" in answer["Cache-Control"]
    assert answer.streaming
    text = whole(answer)
    assert text.startswith('\ufeff"time","who","what_happened"')
    assert text.endswith("\r\n")


def test_each_line_tells_one_entry_in_words_and_in_codes(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    browser.cookies["timezone"] = "Europe/Berlin"
    clock.at = clock.at.replace(month=7, day=1, hour=22)
    operation = request_key(actor_of_user(owner.user), owner.customer_id, user=owner.user, name="Production")
    event = AuditEvent.objects.get(customer=owner.customer)
    assert operation.key is not None
    (row,) = rows(browser)
    assert row == {
        "time": clock.at.replace(day=2, hour=0).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
        "who": owner.user.name, "what_happened": f"{owner.user.name} created the key “Production”",
        "action": "key.requested", "object": operation.key.public_id, "detail": row["detail"],
        "actor": f"user {owner.user.public_id}", "id": event.public_id,
    }  # fmt: skip
    assert operation.public_id in row["detail"]


def test_the_filter_counts(browser: Client, owner: Membership) -> None:
    store(owner, 3)
    add_member(actor_of_user(owner.user), owner.customer_id, email="new@example.com")
    assert [row["action"] for row in rows(browser, "?kind=team")] == ["member.added"]
    assert len(rows(browser, "?kind=keys")) == 3


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "＝1", "a;=1"])
def test_nothing_starts_a_formula(browser: Client, owner: Membership, name: str) -> None:
    owner.user.name = name
    owner.user.save()
    request_key(actor_of_user(owner.user), owner.customer_id, user=owner.user, name=name)
    (row,) = rows(browser)
    assert "'" in row["who"]
    for cell in row.values():
        for part in cell.split(";"):
            assert not part.strip().startswith(("=", "+", "-", "@", "＝"))


def test_the_export_itself_is_in_the_log_and_not_in_the_file(browser: Client, owner: Membership) -> None:
    request_key(actor_of_user(owner.user), owner.customer_id, user=owner.user, name="Production")
    assert len(rows(browser, "?kind=keys&since=2026-01-01&before=evt_x")) == 1
    event = AuditEvent.objects.filter(customer=owner.customer).order_by("-id")[0]
    assert (event.action, event.object, event.actor) == (
        "list.exported", "activity", f"user {owner.user.public_id}",
    )  # fmt: skip
    assert event.detail == {"filters": ["kind", "since"], "rows": 1}
    assert [row["action"] for row in rows(browser)] == ["list.exported", "key.requested"]
    assert list(broken_entries()) == []


def test_asking_for_the_head_exports_nothing(browser: Client, owner: Membership) -> None:
    assert browser.head("/activity.csv").status_code == 405
    assert not AuditEvent.objects.filter(action="list.exported").exists()


def test_it_is_written_in_the_readers_language_and_zone_after_the_request(
    browser: Client, owner: Membership
) -> None:
    """The file is sent when the middleware that chose them is through."""
    browser.cookies["timezone"] = "Asia/Tokyo"
    store(owner, 1)
    answer = browser.get("/activity.csv", headers={"accept-language": "de"})
    assert "+09:00" in whole(answer)
    assert answer.headers["Content-Language"] == "de"


def test_a_long_log_is_read_in_batches(
    browser: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 10)
    events = store(owner, 35)
    answer = browser.get("/activity.csv")
    with CaptureQueriesContext(connection) as queries:
        text = whole(answer)
    found = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["id"] for row in found] == [event.public_id for event in reversed(events)]
    assert len(queries) == 2 * 4
