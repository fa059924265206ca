"""``rotate_sealing_key`` beside a portal at work, killed half-way and repeated: nothing is lost."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.database import fresh_database
from tests.real.portal import CHECKOUT, STAFF_PASSWORD, Owner, Portal
from tests.real.required import require_proc

OLD, NEW = "old-sealing-key-" * 3, "new-sealing-key-" * 3
ROWS = 2_000

FILL = f"""
from portal.core.clock import now
from portal.core.sealing import seal
from portal.models import IdempotencyRecord
from provisioning.secret import Secret
IdempotencyRecord.objects.bulk_create([
    IdempotencyRecord(
        caller="test", method="POST", path="/", key=str(number), body_digest="", owner="", lease_until=now(),
        status=201, sealed_answer=seal(Secret(f"answer {{number}}")),
    )
    for number in range({ROWS})
])
"""

DIE_HALF_WAY = """
import os, signal, sys
from django.core.management import call_command
from django.db import connection
updates = 0
def count(execute, sql, params, many, context):
    global updates
    if sql.startswith("UPDATE") and "sealed_answer" in sql:
        updates += 1
        if updates == 6:  # five batches of 200 are committed, this one is not
            execute(sql, params, many, context)
            os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)
with connection.execute_wrapper(count):
    call_command("rotate_sealing_key")
"""

COUNT = """
import collections, json
from django.conf import settings
from portal.core.sealing import resealed, unseal
from portal.services.sealing import SEALED
under = collections.Counter()
for place in SEALED:
    for value in map(place.read, place.rows()):
        under["first" if resealed(value) is None else "other"] += 1
        under[unseal(value).reveal()[:6]] += 1
print(json.dumps(under))
"""


def in_django(portal: Portal, code: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    start = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'portal.config.settings'; django.setup()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=CHECKOUT, env={**portal.environ, **settings}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def counts(portal: Portal) -> dict[str, int]:
    done = in_django(portal, COUNT)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def issue_once(portal: Portal, owner: Owner, name: str) -> dict[str, Any]:
    """The answer of POST /keys under an Idempotency-Key, secret included."""
    answer = portal.api("POST", "/keys", {**owner.body, "name": name}, idempotency_key=name)
    assert answer.status == 201, answer.body
    return dict(answer.json())


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    require_proc()
    with fresh_database(tmp_path) as url:
        portal = Portal(
            tmp_path, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD,
            PORTAL_VAR=str(tmp_path / "var"), SECRET_KEY="secret-" * 8, PORTAL_SEALING_KEYS=OLD,
        )  # fmt: skip
        try:
            yield portal
        finally:
            portal.clean_up()


def test_killed_half_way_and_repeated_nothing_is_lost(portal: Portal) -> None:
    portal.start()
    owner = portal.add_owner()
    answers = {f"before-{number}": issue_once(portal, owner, f"before-{number}") for number in range(3)}
    assert in_django(portal, FILL).returncode == 0
    assert portal.stop() == 0

    portal.environ["PORTAL_SEALING_KEYS"] = f"{NEW},{OLD}"
    portal.start()
    stop = threading.Event()

    def issue() -> None:
        while not stop.is_set():
            name = f"meanwhile-{len(answers)}"
            answers[name] = issue_once(portal, owner, name)

    at_work = threading.Thread(target=issue)
    at_work.start()
    try:
        killed = in_django(portal, DIE_HALF_WAY)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        half = counts(portal)
        assert 1_000 <= half["first"] < ROWS
        assert half["other"] >= ROWS - 1_000  # what was not committed is as it was
        assert half["answer"] == ROWS

        again = portal.manage("rotate_sealing_key")
    finally:
        stop.set()
        at_work.join()
    assert f"portal_idempotencyrecord: {ROWS + 3 - 1_000} re-encrypted" in again.stdout
    assert "the others can go" in again.stdout
    assert len(answers) > 3
    assert portal.stop() == 0

    portal.environ["PORTAL_SEALING_KEYS"] = NEW
    portal.start()
    done = counts(portal)
    assert "other" not in done
    assert done["answer"] == ROWS
    assert "tampered" not in portal.manage("verify_audit").stderr
    for name, answer in answers.items():  # kept sealed: a repeat shows the same secret
        assert issue_once(portal, owner, name) == answer
    assert portal.issue(owner)["status"] == "active"
    assert portal.stop() == 0


def test_without_the_former_key_it_says_what_is_missing_and_touches_nothing(portal: Portal) -> None:
    portal.manage("prepare")
    portal.environ["PORTAL_SEALING_KEYS"] = NEW
    done = portal.manage("rotate_sealing_key", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: none of PORTAL_SEALING_KEYS opens 4 values: portal_datakey 1, ")
    portal.environ["PORTAL_SEALING_KEYS"] = OLD
    assert counts(portal)["first"] == 4
