"""The web process writes last uses by itself, and once more when it is told to stop."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.real.database import fresh_database
from tests.real.outage import Outage
from tests.real.portal import STAFF_PASSWORD, Owner, Portal
from tests.real.waiting import eventually

ASK = "SELECT count(*) FROM portal_issuedkey WHERE last_used_at IS NOT NULL"


def keys_with_a_use(url: str) -> int:
    """Asked of the database itself: the portal may be gone."""
    if url.startswith("postgres"):
        with psycopg.connect(url) as connection:
            (count,) = connection.execute(ASK).fetchone() or (0,)
            return int(count)
    opened = sqlite3.connect(urlsplit(url).path, timeout=20)
    try:
        return int(opened.execute(ASK).fetchone()[0])
    finally:
        opened.close()


def use(portal: Portal, secret: str) -> None:
    assert portal.get("/api/v1/verify", authorization=f"Bearer {secret}").status == 204


def test_a_use_appears_without_any_further_request(portal: Portal, owner: Owner) -> None:
    key = portal.issue(owner)
    use(portal, key["secret"])
    eventually(
        lambda: portal.api("GET", f"/keys/{key['id']}").json()["last_used_at"], "it is written", seconds=60
    )


@pytest.mark.parametrize("round_", [1, 2])
def test_a_portal_that_is_stopped_writes_what_waits(tmp_path: Path, round_: int) -> None:
    """The second after it had written once already."""
    with fresh_database(tmp_path) as url:
        portal = Portal(tmp_path, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        try:
            portal.start()
            owner = portal.add_owner()
            secrets = [portal.issue(owner)["secret"] for _ in range(round_)]
            for number, secret in enumerate(secrets):
                eventually(lambda: keys_with_a_use(url) == number, "those before are written", seconds=60)  # noqa: B023
                use(portal, secret)
            assert portal.stop() == 0, portal.log[-3000:]
            assert keys_with_a_use(url) == round_
        finally:
            portal.clean_up()


def test_a_use_outlives_an_outage_of_the_database(tmp_path: Path) -> None:
    with fresh_database(tmp_path) as url:
        if not url.startswith("postgres"):
            pytest.skip("a file is never away: this is about PostgreSQL")
        portal = Portal(tmp_path, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        try:
            portal.start()
            owner = portal.add_owner()
            used = 0
            while "uses.database_away" not in portal.log:
                assert used < 10, "each use was written before the outage began"
                use(portal, portal.issue(owner)["secret"])
                used += 1
                with Outage(url), suppress(AssertionError):  # it may have been written already
                    eventually(lambda: "uses.database_away" in portal.log, "a flush failed", seconds=8)
                eventually(lambda: portal.get("/readyz").status == 200, "it is back", seconds=60)
            eventually(lambda: keys_with_a_use(url) == used, "all are written", seconds=60)
        finally:
            portal.clean_up()
