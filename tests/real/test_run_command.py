"""``manage.py run`` in a checkout that was never started: what it makes, keeps and leaves behind."""

import http.client
import json
import re
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.real.database import empty_database
from tests.real.http_calls import request
from tests.real.portal import CHECKOUT, STAFF_EMAIL, Portal
from tests.real.required import require_proc
from tests.real.sign_in import sign_in
from tests.real.waiting import eventually

PARTS = ["manage.py", "portal", "provisioning", "tokens", "templates"]


def copy_of_checkout(folder: Path) -> Path:
    """What `git clone` would give, as far as running needs it: no var/, no .env."""
    for part in PARTS:
        copy = shutil.copytree if (CHECKOUT / part).is_dir() else shutil.copy2
        copy(CHECKOUT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def new_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("first-start")
    checkout = folder / "checkout"
    checkout.mkdir()
    with empty_database(folder) as url:
        # SQLite is where the portal puts it by itself.
        settings = {} if url.startswith("sqlite") else {"DATABASE_URL": url}
        portal = Portal(folder, checkout=copy_of_checkout(checkout), **settings)
        try:
            yield portal
        finally:
            portal.clean_up()


@pytest.fixture
def fresh(new_portal: Portal) -> Portal:
    """Running: for the first time, or again after a test stopped it."""
    require_proc()
    if not (new_portal.running and listens(new_portal)):
        new_portal.clean_up()  # a test that failed half-way left it stopping
        new_portal.start()
    return new_portal


@pytest.fixture
def var(fresh: Portal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh.checkout / "var"


def printed_password(portal: Portal) -> str:
    found = re.findall(r"^Password \(shown once\): (\S+)$", portal.log, re.MULTILINE)
    assert len(found) == 1, portal.log
    return str(found[0])


def test_secrets_are_for_the_owner_only(var: Path) -> None:
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    for name in ("secret_key", "sealing_key"):
        assert stat.S_IMODE((var / name).stat().st_mode) == 0o600
        assert len((var / name).read_text().strip()) >= 40
    assert (var / "secret_key").read_text() != (var / "sealing_key").read_text()
    for database in var.glob("db.sqlite3*"):
        assert stat.S_IMODE(database.stat().st_mode) == 0o600, database


def test_no_secret_is_printed_but_the_staff_password(fresh: Portal, var: Path) -> None:
    assert len(printed_password(fresh)) >= 16
    for name in ("secret_key", "sealing_key"):
        assert (var / name).read_text().strip() not in fresh.log
    assert "PRIVATE KEY" not in fresh.log


def test_an_active_and_a_staged_signing_key_are_published(fresh: Portal) -> None:
    kids = fresh.kids()
    assert len(set(kids)) == 2
    active = fresh.issue(fresh.add_owner())["kid"]
    assert active in kids
    rotated = fresh.manage("rotate_signing_key", "--now").stdout
    (staged,) = set(kids) - {active}
    assert staged in rotated


@pytest.mark.parametrize(("right", "status"), [(True, 302), (False, 200)])
def test_staff_sign_in_with_the_printed_password(fresh: Portal, right: bool, status: int) -> None:
    answer = sign_in(fresh, printed_password(fresh) if right else "not the password")
    assert answer.status == status
    assert ("sessionid=" in str(answer.headers.get_all("Set-Cookie"))) is right


def test_a_sign_in_without_csrf_token_is_refused(fresh: Portal) -> None:
    body = urlencode({"login": STAFF_EMAIL, "password": printed_password(fresh)}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert request(fresh.url + "/accounts/login/", "POST", body, headers).status == 403


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_process_and_the_next_start_changes_nothing(
    fresh: Portal, number: signal.Signals
) -> None:
    assert fresh.processes("serve")
    assert fresh.processes("worker")
    issued = fresh.issue(fresh.add_owner())
    kids = set(fresh.kids())
    assert fresh.stop(number) == 0
    assert fresh.processes() == []

    fresh.start()
    assert set(fresh.kids()) == kids
    assert sign_in(fresh, printed_password(fresh)).status == 302  # printed once: this start printed none
    assert fresh.api("GET", f"/keys/{issued['id']}").json()["status"] == "active"
    assert fresh.log.count("Staff account:") == 1


def test_a_killed_supervisor_takes_its_processes_along(fresh: Portal) -> None:
    assert len(fresh.processes()) >= 4  # itself, the server, the process that answers, the worker
    fresh.send(signal.SIGKILL)
    assert fresh.wait() == -signal.SIGKILL  # waits until nothing is left


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_when_one_part_is_killed_the_portal_ends(fresh: Portal, command: str) -> None:
    """Half a portal would look well from outside; whoever supervises ``run`` restarts it whole."""
    fresh.processes(f"manage.py {command}")[0].kill()
    assert fresh.wait() == 1
    assert f"{command} ended unexpectedly" in fresh.log


def test_a_port_that_is_taken_is_said(fresh: Portal) -> None:
    done = fresh.manage("run", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {fresh.port}" in done.stderr
    assert request(fresh.url + "/healthz").status == 200


def test_a_request_under_way_is_answered_before_the_end(fresh: Portal) -> None:
    body = json.dumps({**fresh.add_owner().body, "name": "last"}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", fresh.port, timeout=20)
    connection.putrequest("POST", "/api/v1/keys")
    connection.putheader("Authorization", f"Bearer {fresh.token}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])
    fresh.send(signal.SIGTERM)
    eventually(lambda: not listens(fresh), "it takes no new requests", seconds=18)
    connection.send(body[10:])
    assert connection.getresponse().status == 201
    connection.close()
    assert fresh.wait() == 0


def listens(portal: Portal) -> bool:
    try:
        return request(portal.url + "/healthz").status == 200
    except OSError:
        return False
