"""Phone tokens in the admin: found by transaction and by number; only who may sees a number, and that is audited."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from portal.admin import phone_tokens as pages
from portal.core.limits import parse_limit
from portal.core.token_service import TokenService
from portal.models import AuditEvent, PhoneToken, User
from portal.services.actors import actor_of_user
from portal.services.phone_tokens import show_numbers
from tests.admin.conftest import Admin, text_of
from tests.factories import PhoneTokenFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]
LIST = "portal/phonetoken/"
NUMBER, MASKED = "+15555550123", "+1•••••0123"
FORMS = (NUMBER, NUMBER[1:], "5555550123", "555-555-0123")
"""Ways to write it, each of which a page would give it away by."""
SERVICE = TokenService("acme", b"k" * 32, parse_limit("30/minute"), parse_limit("5/minute"))


def page_of(token: PhoneToken, page: str = "change") -> str:
    return f"{LIST}{token.pk}/{page}/"


def found(admin: Admin, term: str) -> list[str]:
    answer = admin.get(LIST, q=term)
    assert answer.status_code == 200
    return [token.xid for token in answer.context["cl"].result_list]


def shown_to(user: User) -> list[Any]:
    """What the audit log says that the person saw."""
    events = AuditEvent.objects.filter(action="phone_numbers.shown", actor=f"user {user.public_id}")
    return [event.detail for event in events.order_by("id")]


# Lists


def test_a_row_tells_of_the_token_and_masks_the_number(admin: Admin) -> None:
    PhoneTokenFactory(xid="order-7", ordinal=3, fingerprint="0123456789abcdef" * 4)
    told = text_of(admin.get(LIST))
    assert "Transaction (xid) Number Token no. Issued Expires Fingerprint" in told
    assert f"order-7 {MASKED} 3 just now in 1 minute 0123456789ab…" in told
    assert not [form for form in FORMS if form in told]


@pytest.mark.parametrize(
    "term",
    [NUMBER, NUMBER[1:], f" {NUMBER[1:]}", "+1 (555) 555-0123", "1 555.555.0123", "signed-up.1", " signed-up.1 "],
)  # fmt: skip
def test_a_whole_xid_and_a_whole_number_find_their_tokens(admin: Admin, term: str) -> None:
    PhoneTokenFactory(xid="signed-up.1")
    PhoneTokenFactory(xid="signed-up.2", number="+15555550124")
    assert found(admin, term) == ["signed-up.1"]


@pytest.mark.parametrize("term", ["signed", "SIGNED-UP.1", "%", "+1555555012", "0123", "5555550123"])
def test_parts_find_nothing(admin: Admin, term: str) -> None:
    PhoneTokenFactory(xid="signed-up.1")
    assert found(admin, term) == []


def test_an_xid_that_could_be_a_number_finds_both(admin: Admin) -> None:
    PhoneTokenFactory(xid=NUMBER[1:], number="+4930231255")
    PhoneTokenFactory(xid="b")
    assert found(admin, NUMBER[1:]) == ["b", NUMBER[1:]]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of tables")
@pytest.mark.parametrize("term", [NUMBER, "order-1", "order-x"])
def test_a_list_of_millions_is_searched_by_its_indexes(admin: Admin, term: str) -> None:
    PhoneTokenFactory(xid="order-1")
    with CaptureQueriesContext(connection) as queries:
        admin.get(LIST, q=term)
    asked = [query["sql"] for query in queries if 'FROM "portal_phonetoken"' in query["sql"]]
    assert len(asked) >= 1
    for sql in asked:
        assert not [step for step in plan(sql) if step.startswith("SCAN portal_phonetoken")], sql


def plan(sql: str) -> list[str]:
    """What SQLite would do: SEARCH looks up, SCAN reads all."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]


def test_while_sealing_keys_change_a_number_is_looked_up_where_it_is(admin: Admin, settings: Any) -> None:
    PhoneTokenFactory(xid="before")
    settings.SEALING_KEYS = ("a newer sealing key " * 3, *settings.SEALING_KEYS)
    with CaptureQueriesContext(connection) as queries:
        assert found(admin, NUMBER) == ["before"]
    assert not [
        query["sql"] for query in queries if '"phone_hash" IN (' in query["sql"] and "', '" in query["sql"]
    ]
    PhoneTokenFactory(xid="after")
    assert found(admin, NUMBER) == ["after", "before"]
    assert found(admin, "+15555550124") == []


def test_where_the_service_is_off_the_list_says_how_it_is_turned_on(admin: Admin, settings: Any) -> None:
    settings.TOKEN_SERVICE = None
    sentence = "The service is off until TOKEN_SERVICE_ISSUER and TOKEN_SERVICE_KEY are both set."
    assert sentence in text_of(admin.get(LIST))
    PhoneTokenFactory()
    assert sentence in text_of(admin.get(LIST))
    settings.TOKEN_SERVICE = SERVICE
    assert "The service is off" not in text_of(admin.get(LIST))


def test_an_empty_list_is_explained(admin: Admin) -> None:
    told = text_of(admin.get(LIST))
    assert "No phone tokens yet A record appears here whenever a backend fetches a token." in told


def test_a_file_of_the_list_holds_masked_numbers(admin: Admin) -> None:
    token = PhoneTokenFactory(xid="order-7")
    answer = admin.post(f"{LIST}export/?q=%2B15555550123")
    text = b"".join(answer.streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert (row["xid"], row["number"], row["token_of_transaction"]) == ("order-7", f"'{MASKED}", "1")
    for hidden in (*FORMS, token.sealed_number, token.phone_hash, token.client_hash, token.fingerprint):
        assert hidden not in text
    exported = AuditEvent.objects.get(action="list.exported").detail
    assert not [form for form in FORMS if form in str(exported)]


# One token's page


def test_a_page_tells_of_the_token_and_masks_the_number(admin: Admin) -> None:
    first, second = (PhoneTokenFactory(xid="order-7", ordinal=ordinal) for ordinal in (1, 2))
    page = admin.get(page_of(first))
    told = text_of(page)
    for words in ("Phone token", "order-7", MASKED, "1 of 2 · All of this transaction", first.fingerprint):
        assert words in told
    assert f'href="/admin/{LIST}?q=order-7"' in page.content.decode()
    second.delete()
    assert "1, the only one of its transaction" in text_of(admin.get(page_of(first)))


def test_no_page_about_a_token_holds_its_number(admin: Admin) -> None:
    token = PhoneTokenFactory()
    show_numbers(actor_of_user(admin.user), [token])
    event = AuditEvent.objects.get(action="phone_numbers.shown")
    for path in (
        page_of(token), page_of(token, "history"), LIST, "", "portal/auditevent/",
        f"portal/auditevent/{event.pk}/change/",
    ):  # fmt: skip
        page = admin.get(path)
        assert page.status_code == 200
        assert not [form for form in FORMS if form in page.content.decode()], path
    assert not [form for form in FORMS if form in f"{token} {token!r}"]


def test_links_from_a_search_hold_no_number(admin: Admin) -> None:
    """They would stand in the address of a token's page, which people pass on."""
    token = PhoneTokenFactory()
    page = admin.get(LIST, q=NUMBER).content.decode()
    assert f'href="/admin/{page_of(token)}"' in page


def test_a_number_whose_sealing_key_is_gone_is_no_reason_to_fail(admin: Admin) -> None:
    token = PhoneTokenFactory(sealed_number=Fernet(Fernet.generate_key()).encrypt(NUMBER.encode()).decode())
    for path in (LIST, page_of(token)):
        assert pages.UNREADABLE in text_of(admin.get(path))
    answer = admin.client.post(f"/admin/{page_of(token, 'number')}", follow=True)
    assert "Put the former key back" in text_of(answer)
    assert shown_to(admin.user) == []


# Showing a number


def test_a_number_is_shown_once_to_who_may_and_the_log_says_so(staff_with: StaffWith) -> None:
    token = PhoneTokenFactory()
    clerk = staff_with("view_phonetoken", "show_phone_number")
    page = clerk.get(page_of(token)).content.decode()
    assert page.count("Show number") == 1
    assert f'<form method="post" action="/admin/{page_of(token, "number")}">' in page
    answer = clerk.post(page_of(token, "number"))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert f'<code class="secret" id="number">{NUMBER}</code>' in answer.content.decode()
    assert answer.content.decode().count(NUMBER) == 1
    assert shown_to(clerk.user) == [{"records": [token.pk]}]
    assert NUMBER not in clerk.get(page_of(token)).content.decode()


def test_nobody_else_sees_the_button_or_the_number(staff_with: StaffWith) -> None:
    token = PhoneTokenFactory()
    reader, other = staff_with("view_phonetoken"), staff_with("show_phone_number")
    assert "Show number" not in reader.get(page_of(token)).content.decode()
    for someone in (reader, other):
        answer = someone.post(page_of(token, "number"))
        assert answer.status_code == 403
        assert NUMBER not in answer.content.decode()
        assert shown_to(someone.user) == []


def test_looking_at_it_by_a_link_shows_nothing(admin: Admin) -> None:
    token = PhoneTokenFactory()
    assert admin.get(page_of(token, "number")).status_code == 405
    assert shown_to(admin.user) == []


def test_a_number_that_could_not_be_logged_is_not_shown(admin: Admin) -> None:
    def broken(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "portal_auditevent"'):
            raise OperationalError("disk full")
        return execute(sql, *rest)

    token = PhoneTokenFactory()
    admin.client.raise_request_exception = False
    with connection.execute_wrapper(broken):
        answer = admin.post(page_of(token, "number"))
    assert answer.status_code == 503
    assert NUMBER not in answer.content.decode()


# Permissions and history


def test_the_list_and_its_pages_ask_for_their_permission(staff_with: StaffWith) -> None:
    token = PhoneTokenFactory()
    reader, other = staff_with("view_phonetoken"), staff_with("show_phone_number", "issue_phonetoken")
    for path in (LIST, page_of(token), page_of(token, "history")):
        assert reader.get(path).status_code == 200
        assert other.get(path).status_code == 403
    assert other.post(f"{LIST}export/").status_code == 403


def test_the_history_tells_who_saw_the_number(admin: Admin, staff_with: StaffWith) -> None:
    token, another = PhoneTokenFactory(), PhoneTokenFactory()
    clerk = staff_with("view_phonetoken", "show_phone_number")
    clerk.post(page_of(token, "number"))
    show_numbers(actor_of_user(admin.user), [another])
    told = text_of(admin.get(page_of(token, "history")))
    assert clerk.user.name in told
    assert told.count("phone_numbers.shown") == 2  # one in the table, one in the note below
    assert "no entry about this" in text_of(admin.get(page_of(PhoneTokenFactory(), "history")))


def test_an_audit_entry_names_the_records_and_links_those_that_are_kept(admin: Admin) -> None:
    tokens = PhoneTokenFactory.create_batch(12)
    show_numbers(actor_of_user(admin.user), tokens)
    keys = [token.pk for token in tokens]
    tokens[0].delete()
    listed = text_of(admin.get("portal/auditevent/", f_action="phone_numbers.shown"))
    assert f"records: {', '.join(map(str, keys[:8]))} and 4 more" in listed
    event = AuditEvent.objects.get(action="phone_numbers.shown")
    page = admin.get(f"portal/auditevent/{event.pk}/change/").content.decode()
    assert f"Records: <code>{keys[0]}</code>" in page
    for key in keys[1:]:
        assert f'<a href="/admin/{LIST}{key}/change/">{key}</a>' in page


def test_groups_can_be_given_each_of_its_permissions(admin: Admin) -> None:
    told = text_of(admin.get("auth/group/add/"))
    for words in ("Can view phone token", "Can see phone numbers in full", "Can fetch phone tokens"):
        assert words in told
