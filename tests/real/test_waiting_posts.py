"""Requests that wait for a worker leave room for everybody else."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.jobs.run import MOST_WAITING
from tests.fakes.provider.process import ProviderProcess
from tests.real.database import fresh_database
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Owner, Portal
from tests.real.test_workers import PLUGINS
from tests.real.waiting import eventually

POSTS = 100


@pytest.fixture
def without_worker(tmp_path: Path) -> Iterator[Portal]:
    """One web process, and no worker that would make the keys."""
    with fresh_database(tmp_path) as url, ProviderProcess(tmp_path) as provider:
        portal = Portal(
            tmp_path, DATABASE_URL=url, PLUGIN_APIM_PROVIDER="remote", PYTHONPATH=str(PLUGINS),
            LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD, **provider.settings,
        )  # fmt: skip
        portal.manage("prepare")
        portal.manage("create_staff", "--email", STAFF_EMAIL)
        server = portal.spawn("serve", "--prepared", "--workers", "1", "--port", str(portal.port))
        try:
            eventually(lambda: answers(portal, "/readyz"), "it is ready", seconds=60)
            yield portal
        finally:
            server.kill()  # the last of them would wait for long
            server.wait()
            portal.clean_up()


def answers(portal: Portal, path: str) -> bool:
    try:
        return portal.get(path).status == 200
    except OSError:
        return False


def post(portal: Portal, owner: Owner, answered: list[int]) -> None:
    with suppress(OSError, http.client.HTTPException):  # the server is killed at the end of the test
        body = {**owner.body, "name": "waiting"}
        answered.append(portal.api("POST", "/keys", body, prefer="wait=30").status)


def test_so_many_wait_and_the_others_are_served(without_worker: Portal) -> None:
    portal, answered = without_worker, list[int]()
    owner = portal.add_owner()
    posts = [threading.Thread(target=post, args=(portal, owner, answered)) for _ in range(POSTS)]
    for thread in posts:
        thread.start()
    eventually(lambda: len(answered) >= POSTS - MOST_WAITING, "the others were told at once", seconds=25)
    assert set(answered) == {202}
    assert answers(portal, "/.well-known/jwks.json")
    assert answers(portal, "/accounts/login/")
    assert len(answered) == POSTS - MOST_WAITING, "those that wait do so still"
