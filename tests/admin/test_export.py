import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.admin import export
from portal.core.actor import SYSTEM
from portal.core.csv_files import cell
from portal.models import AuditEvent, Customer, IssuedKey, Membership, Operation, PhoneToken, SigningKey
from portal.services.access_tokens import create_access_token
from tests.admin.conftest import Admin, make_key, text_of
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory, PhoneTokenFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]
LISTS = [
    "customer", "user", "membership", "plan", "subscription", "issuedkey", "operation", "signingkey",
    "managementtoken", "phonetoken", "auditevent",
]  # fmt: skip


def raw(admin: Admin, model: str, query: str = "") -> str:
    answer = admin.post(f"portal/{model}/export/{query}")
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content).decode()


def rows(admin: Admin, model: str, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw(admin, model, query).removeprefix("\ufeff"), newline="")))


def test_a_list_is_a_csv_file_that_excel_reads(admin: Admin, issued: IssuedKey) -> None:
    answer = admin.post("portal/customer/export/")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="customers-')
    assert "no-store" in answer["Cache-Control"]
    assert answer.streaming
    assert b"".join(answer.streaming_content).startswith("\ufeff".encode())
    (row,) = rows(admin, "customer")
    assert row["id"] == issued.customer.public_id
    assert row["created_at"].endswith("Z")
    assert row["deleted_at"] == ""


@pytest.mark.parametrize("model", LISTS)
def test_every_list_is_exported_without_secrets(admin: Admin, issued: IssuedKey, model: str) -> None:
    SubscriptionFactory(customer=issued.customer)
    PhoneTokenFactory()
    token, text = create_access_token(SYSTEM, owner=admin.user, scopes=["keys:read"])
    whole = raw(admin, model)
    assert len(whole.splitlines()) > 1
    signing, phone = SigningKey.objects.get(state="active"), PhoneToken.objects.get()
    secrets = [
        issued.sealed_secret, issued.fingerprint, token.digest, text.reveal(), signing.sealed_private,
        admin.user.password, issued.last4, token.last4, phone.sealed_number, phone.phone_hash, phone.client_hash,
        phone.fingerprint, phone.e164, *AuditEvent.objects.values_list("mac", flat=True),
    ]  # fmt: skip
    values = {value for row in rows(admin, model) for value in row.values()}
    assert not values & set(secrets)
    assert not [secret for secret in secrets if secret and len(secret) > 8 and secret in whole]


def test_filters_and_search_count(admin: Admin) -> None:
    CustomerFactory(name="Acme One", status="active")
    CustomerFactory(name="Acme Two", status="suspended")
    CustomerFactory(name="Globex", status="suspended")
    found = rows(admin, "customer", "?status__exact=suspended&q=acme")
    assert [row["name"] for row in found] == ["Acme Two"]


def test_a_key_past_its_time_is_expired_in_the_file_too(
    admin: Admin, issued: IssuedKey, clock: Clock
) -> None:
    clock.advance(days=31)
    (row,) = rows(admin, "issuedkey")
    assert (row["status"], row["customer"]) == ("expired", issued.customer.public_id)


def test_what_was_exported_is_in_the_audit_log_without_values(admin: Admin) -> None:
    CustomerFactory(email="ada@acme.example")
    CustomerFactory()
    rows(admin, "customer", "?q=ada@acme.example&p=1")
    event = AuditEvent.objects.order_by("-id")[0]
    assert (event.action, event.object) == ("list.exported", "customer")
    assert event.actor == f"user {admin.user.public_id}"
    assert event.detail == {"filters": ["q"], "rows": 1}


def test_looking_exports_nothing(admin: Admin) -> None:
    assert admin.get("portal/customer/export/").status_code == 405
    assert not AuditEvent.objects.filter(action="list.exported").exists()


def test_only_those_who_may_see_a_list_export_it(staff_with: StaffWith, issued: IssuedKey) -> None:
    clerk = staff_with("view_customer")
    assert clerk.post("portal/customer/export/").status_code == 200
    assert clerk.post("portal/issuedkey/export/").status_code == 403
    assert Admin(issued.user).post("portal/customer/export/").status_code == 302  # type: ignore[arg-type]
    assert AuditEvent.objects.filter(action="list.exported").count() == 1


def test_a_list_that_is_too_long_is_refused_whole(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST", 2)
    CustomerFactory.create_batch(3)
    answer = admin.client.post("/admin/portal/customer/export/", follow=True)
    assert "Nothing was exported" in text_of(answer)
    assert not AuditEvent.objects.filter(action="list.exported").exists()
    assert len(rows(admin, "customer", f"?q={Customer.objects.all()[0].public_id}")) == 1


def test_many_rows_take_one_query_a_thousand(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    for _ in range(5):
        make_key(MembershipFactory())
    answer = admin.post("portal/issuedkey/export/")
    with CaptureQueriesContext(connection) as queries:
        lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 6
    assert len(queries) == 3
    ids = [line.split(",")[0].strip('"') for line in lines[1:]]
    assert ids == list(IssuedKey.objects.order_by("-id").values_list("public_id", flat=True))


def test_wrong_parameters_lead_back_to_the_list(admin: Admin) -> None:
    answer = admin.post("portal/operation/export/?customer__id__exact=x&created_at__gt=soon")
    assert answer.status_code in (302, 400)
    assert not AuditEvent.objects.filter(action="list.exported").exists()


HOSTILE = [
    '=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1+1",
    "\u00a0=1", "\u200b=1", "\ufeff=1", "＝1+1", "＋1", "－1", "＠SUM(1)", "−1", "﹦1",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_formula_is_defused(name: str) -> None:
    assert cell(name).startswith("'")
    assert cell(name).removeprefix("'").replace("'=", "=") == name


@pytest.mark.parametrize("name", ["Acme", "a=b", "1-2", "O'Brien", "a@b.example", "Müller & Söhne", "", " x"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert cell(name) == name


@pytest.mark.parametrize("name", ["Acme;=1+1", "Acme\n=1+1", "Acme;  @SUM(1)", "Acme\t-1", 'Acme";=1'])
def test_a_formula_after_a_foreign_separator_is_defused(name: str) -> None:
    """Where the semicolon separates, Excel splits there, quotes or not."""
    assert "'" in cell(name)
    assert cell(name).replace("'", "") == name


def test_hostile_names_come_out_whole_and_harmless(admin: Admin) -> None:
    names = ['Quote " Ltd', "Two\nlines", "Comma, Ltd", "=cmd|' /C calc'!A0", "Semi;colon", "Zoë ✓ 日本"]
    for name in names:
        CustomerFactory(name=name)
    found = [row["name"] for row in rows(admin, "customer")]
    assert found == [f"'{name}" if name.startswith("=") else name for name in reversed(names)]


def test_nothing_starts_a_formula_in_any_list(admin: Admin, owner: Membership) -> None:
    Customer.objects.update(name="=1", external_id="=2", email="+3@x.example")
    owner.user.__class__.objects.filter(pk=owner.user_id).update(name="@4", email="-5@x.example")
    key = make_key(owner, "＝6")
    Operation.objects.update(error_code="=7", error_detail="\t=8")
    IssuedKey.objects.filter(pk=key.pk).update(revoke_reason="+9", external_id="@10")
    cells = [value for model in LISTS for row in rows(admin, model) for value in row.values()]
    starts: Any = ("=", "+", "-", "@", "\t", "\r", "＝")
    assert not [value for value in cells if value.strip().startswith(starts)]
    assert {"'=1", "'=2", "'@4", "'＝6", "'=7", "'+9"} <= set(cells)
