"""``manage.py demo`` on a database of its own: what it shows, that it repeats nothing, where it refuses."""

import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.real.database import empty_database
from tests.real.portal import Portal
from tests.real.required import require_proc
from tests.real.sign_in import reader, sign_in


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    require_proc()
    folder = tmp_path_factory.mktemp("demo")
    with empty_database(folder) as url:
        portal = Portal(folder, DATABASE_URL=url)
        try:
            yield portal.start("demo", seconds=180)  # it fills the database first
        finally:
            portal.clean_up()


def listed(portal: Portal, path: str) -> list[dict[str, Any]]:
    """All objects of a list, whatever its pages."""
    found, query = [], "?limit=200"
    while query:
        answer = portal.api("GET", path + query)
        assert answer.status == 200, answer.body
        page = answer.json()
        found += page["results"]
        query = "?" + page["next"].partition("?")[2] if page["next"] else ""
    return found


def printed_password(portal: Portal) -> str:
    found = re.findall(r"^Password of both \(shown once\): (\S+)$", portal.log, re.MULTILINE)
    assert len(found) == 1, portal.log
    return str(found[0])


def test_staff_and_one_customers_owner_sign_in_with_the_printed_password(demo: Portal) -> None:
    password = printed_password(demo)
    owner = re.findall(r"^Customer account: (\S+)$", demo.log, re.MULTILINE)[0]
    assert sign_in(demo, password).status == 302
    assert sign_in(demo, password, owner).status == 302
    assert sign_in(demo, "not the password", owner).status == 200
    assert "eyJ" not in demo.log


def test_every_kind_of_customer_key_and_operation_is_there(demo: Portal) -> None:
    customers = {customer["status"] for customer in listed(demo, "/customers")}
    assert customers == {"pending", "active", "suspended", "closed"}
    keys = listed(demo, "/keys")
    assert {"active", "expired", "revoked", "failed", "needs_attention"} <= {key["status"] for key in keys}
    assert any(key["secret_available"] for key in keys)
    assert any(key["last_used_at"] for key in keys)
    soon = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    assert any(key["status"] == "active" and key["expires_at"] < soon for key in keys)
    states = {operation["status"] for operation in listed(demo, "/operations")}
    assert {"succeeded", "failed", "needs_attention", "cancelled", "retrying"} <= states


def test_the_history_is_a_month_long_and_its_chains_verify(demo: Portal) -> None:
    instants = [datetime.fromisoformat(event["at"]) for event in listed(demo, "/events")]
    assert timedelta(days=29) < datetime.now(UTC) - min(instants) < timedelta(days=33)
    assert max(instants) <= datetime.now(UTC)
    days = {instant.date() for instant in instants}
    assert len(days) >= 28
    assert "intact" in demo.manage("verify_audit").stdout


def test_what_the_database_dates_itself_lies_in_that_month(demo: Portal) -> None:
    created = [datetime.fromisoformat(row["created_at"]) for row in listed(demo, "/customers")]
    assert max(created) - min(created) > timedelta(days=25)


def test_phone_tokens_are_listed_and_their_numbers_masked(demo: Portal) -> None:
    page = reader(demo, printed_password(demo))("/admin/portal/phonetoken/").body.decode()
    transactions = re.findall(r'<span class="id">([^<]+)</span>', page)
    assert len(transactions) == 50  # a page of them
    assert len(set(transactions)) < 50, "none has a second token"
    assert len(re.findall(r"\+\d{1,2}•••••\d{4}", page)) == 50
    assert "TOKEN_SERVICE_ISSUER and TOKEN_SERVICE_KEY" in page


def test_a_second_start_makes_nothing_and_prints_no_password(demo: Portal) -> None:
    before = [{row["id"] for row in listed(demo, path)} for path in ("/customers", "/keys", "/operations")]
    assert demo.stop(signal.SIGTERM) == 0
    demo.start("demo")
    after = [{row["id"] for row in listed(demo, path)} for path in ("/customers", "/keys", "/operations")]
    assert before == after
    assert len(before[0]) >= 35
    assert len(before[1]) >= 100
    printed_password(demo)
    assert "The demo's data is here already" in demo.log


def test_a_portal_that_ran_before_can_be_filled(tmp_path: Path) -> None:
    with empty_database(tmp_path) as url:
        portal = Portal(tmp_path, DATABASE_URL=url, SIGNING_KEY_LEAD_TIME="24h")
        portal.manage("prepare")
        portal.manage("demo", "--fill-only")
        portal.manage("verify_audit")


def test_a_database_with_data_of_its_own_is_left_alone(tmp_path: Path) -> None:
    with empty_database(tmp_path) as url:
        portal = Portal(tmp_path, DATABASE_URL=url)
        try:
            portal.start()
            portal.add_owner()
            portal.stop()
            refused = portal.manage("demo", "--fill-only", check=False)
            assert refused.returncode == 1
            assert "customers: 1, users: 1" in refused.stderr
            assert "make run" in refused.stderr
            assert refused.stderr.count("\n") == 1
            assert len(listed(portal.start(), "/customers")) == 1
        finally:
            portal.clean_up()


def test_production_is_refused(tmp_path: Path) -> None:
    with empty_database(tmp_path) as url:
        settings = {
            "PORTAL_ENV": "production", "PORTAL_BASE_URL": "https://portal.example.com",
            "SECRET_KEY": "k" * 50, "PORTAL_SEALING_KEYS": "s" * 50, "SIGNING_KEY_LEAD_TIME": "24h",
        }  # fmt: skip
        refused = Portal(tmp_path, DATABASE_URL=url, **settings).manage("demo", "--fill-only", check=False)
        assert refused.returncode == 1
        assert "PORTAL_ENV is production" in refused.stderr
        assert not (tmp_path / "portal.sqlite3").exists() or not (tmp_path / "portal.sqlite3").stat().st_size
