"""The database goes away under a running portal, and comes back."""

from pathlib import Path

import pytest

from tests.real.database import fresh_database
from tests.real.outage import Outage
from tests.real.portal import STAFF_PASSWORD, Portal
from tests.real.waiting import eventually


def test_gateways_are_served_and_callers_are_told(tmp_path: Path) -> None:
    with fresh_database(tmp_path) as url:
        if not url.startswith("postgres"):
            pytest.skip("a file is never away: this is about PostgreSQL")
        portal = Portal(tmp_path, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        try:
            portal.start()
            owner = portal.add_owner()
            before = portal.get("/.well-known/jwks.json")
            listed = portal.get("/.well-known/status-lists/0")
            with Outage(url):
                refused = portal.api("POST", "/keys", {**owner.body, "name": "away"})
                assert (refused.status, refused.json()["code"]) == (503, "database_unavailable")
                assert refused.headers["Retry-After"] == "5"
                page = portal.get("/accounts/login/")
                assert page.status in (200, 503)
                again = portal.get("/.well-known/jwks.json")
                assert (again.status, again.body) == (200, before.body)
                again = portal.get("/.well-known/status-lists/0")
                assert (again.status, again.body) == (200, listed.body)
                assert portal.get("/healthz").status == 200
                assert portal.get("/readyz").status == 503
            eventually(lambda: portal.get("/readyz?worker=1").status == 200, "it recovers", seconds=40)
            assert portal.issue(owner)["status"] == "active"
            assert portal.stop() == 0
        finally:
            portal.clean_up()
