"""The production server as its page starts it: several processes, which share no connection."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.real.database import fresh_database
from tests.real.portal import STAFF_EMAIL, Portal

CALLS, AT_ONCE, CUSTOMERS = 200, 8, 5


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with fresh_database(tmp_path) as url:
        portal = Portal(tmp_path, DATABASE_URL=url)
        try:
            portal.manage("prepare")
            portal.manage("create_staff", "--email", STAFF_EMAIL)
            yield portal
        finally:
            portal.clean_up()


def test_everybody_gets_their_own_answer(portal: Portal) -> None:
    """Not `--prepared`: what prepares the database leaves no connection to the processes made after it."""
    worker = portal.spawn("worker")
    portal._process = portal.spawn("serve", "--workers", "2")
    portal.wait_ready()
    owners = [portal.add_owner() for _ in range(CUSTOMERS)]
    keys = [(str(portal.issue(owner)["secret"]), owner.external_id) for owner in owners]

    def ask(number: int) -> str:
        secret, customer = random.Random(number).choice(keys)
        answer = portal.get("/api/v1/verify", authorization=f"Bearer {secret}")
        return f"{answer.status}, {'own' if answer.headers['X-Org-Id'] == customer else 'another'} customer"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert Counter(pool.map(ask, range(CALLS))) == {"204, own customer": CALLS}
    worker.terminate()
    worker.wait(30)
    portal.stop()
