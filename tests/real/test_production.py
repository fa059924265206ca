"""docs/production.md, done: install, backup, restore, change of sealing keys."""

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.docs.sources import ROOT
from tests.real.database import _execute, fresh_database
from tests.real.portal import STAFF_PASSWORD
from tests.real.production import PAGE, STAFF, ProductionPortal
from tests.real.required import require, require_proc


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProductionPortal]:
    require_proc()
    require(shutil.which("sh"), "there is no shell")
    monkeypatch.setattr("tests.real.portal.STAFF_EMAIL", STAFF)
    with fresh_database(tmp_path) as url:
        portal = ProductionPortal(tmp_path, url)
        try:
            yield portal
        finally:
            portal.clean_up()


def claims(secret: str) -> dict[str, Any]:
    body = secret.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def status_list(secret: str) -> int:
    return int(claims(secret)["status"]["status_list"]["uri"].rpartition("/")[2])


def create_staff(portal: ProductionPortal) -> None:
    portal.environ["LATCHKEY_STAFF_PASSWORD"] = STAFF_PASSWORD
    portal.type("sudo -u latchkey latchkey create_staff")


def test_backup_restore_and_what_becomes_of_each_key(portal: ProductionPortal, tmp_path: Path) -> None:
    portal.start()
    create_staff(portal)
    owner = portal.add_owner()
    kept, revoked = (portal.issue_once(owner, name) for name in ("kept", "revoked since"))
    _back_up(portal)
    lost = portal.issue_once(owner, "lost")
    assert portal.api("POST", f"/keys/{revoked['id']}/revoke", {}).status in (200, 202)
    assert portal.stop() == 0

    with _restored(portal, tmp_path) as told:
        assert "What you have to do" in told
        assert "audit log intact" in told
        portal.start()
        assert portal.accepts(kept["secret"])
        assert not portal.accepts(lost["secret"])
        assert portal.accepts(revoked["secret"])  # as the page warns: it has to be revoked again
        new = portal.issue_once(owner, "new")
        assert new["kid"] != kept["kid"]
        assert status_list(new["secret"]) > status_list(lost["secret"]) + 1
        assert portal.issue_once(owner, "kept") == kept  # restored answers repeat, nothing is made twice
        known = portal.log.splitlines()
        lines = [json.loads(line) for line in known if '"audit.recorded"' in line]
        ended = [line["object"] for line in lines if line["action"] == "key.revoked"]
        assert ended == [revoked["id"]]  # where to find what was revoked since
        assert portal.stop() == 0


def _back_up(portal: ProductionPortal) -> None:
    if os.environ.get("TEST_DATABASE_URL", "").startswith("postgres"):
        require(shutil.which("pg_dump"), "pg_dump is not installed")
        portal.type("pg_dump")
        return
    require(shutil.which("sqlite3"), "sqlite3 is not installed")
    (command,) = re.findall(r"`(sqlite3 [^`]+)`", (ROOT / PAGE).read_text())
    portal.run_shell(command, **{"/var/lib/latchkey/db.sqlite3": _file(portal)})


def _file(portal: ProductionPortal) -> str:
    return (portal.etc / "database_url").read_text().strip().removeprefix("sqlite:///")


class _restored:
    """The backup in a database of its own; gives what the commands said."""

    def __init__(self, portal: ProductionPortal, folder: Path) -> None:
        self._portal, self._folder = portal, folder
        self._server = os.environ.get("TEST_DATABASE_URL", "")
        self._name = f"latchkey_restored_{uuid4().hex[:8]}"

    def __enter__(self) -> str:
        if self._server.startswith("postgres"):
            server = urlsplit(self._server)._replace(path=f"/{self._name}").geturl()
            return self._portal.type(
                "pg_restore",
                **{"postgres://portal:its-password@127.0.0.1:5432/portal_restored": server, "portal_restored": self._name},
            )  # fmt: skip
        file = self._folder / "restored.sqlite3"
        shutil.copy(self._portal.backups / "portal.sqlite3", file)
        (self._portal.etc / "database_url").write_text(f"sqlite:///{file}\n")
        return "".join(
            self._portal.type("pg_restore", only=f"latchkey {command}")
            for command in ("prepare", "after_restore", "verify_audit")
        )

    def __exit__(self, *_: object) -> None:
        self._portal.clean_up()
        if self._server.startswith("postgres"):
            _execute(self._server, f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")


def test_changing_the_sealing_keys_as_the_page_says(portal: ProductionPortal) -> None:
    require(shutil.which("openssl"), "openssl is not installed")
    portal.start()
    create_staff(portal)
    owner = portal.add_owner()
    before = portal.issue_once(owner, "before")
    first = (portal.etc / "sealing_keys").read_text().strip()

    portal.type("-f2", only="openssl")
    portal.restart()
    portal.type("-f2", only="-f2")
    portal.restart()
    assert (portal.etc / "sealing_keys").read_text().strip().endswith(f",{first}")
    assert "the others can go" in portal.type("-f2", only="latchkey rotate")
    last = [line for line in (ROOT / PAGE).read_text().splitlines() if line.startswith('echo "$(cut -d, -f1')]
    assert len(last) == 1
    portal.run_shell(last[0])
    portal.restart()
    assert first not in (portal.etc / "sealing_keys").read_text()
    assert portal.issue_once(owner, "before") == before
    assert portal.issue_once(owner, "after")["status"] == "active"
    assert "intact" in portal.run_shell("latchkey verify_audit")
    assert portal.stop() == 0


def test_the_deployment_check_is_clean_as_installed(portal: ProductionPortal) -> None:
    if not os.environ.get("TEST_DATABASE_URL", "").startswith("postgres"):
        pytest.skip("SQLite in production is a warning")
    text = portal.type("check --deploy", only="check --deploy")
    assert "no issues" in text


def test_the_token_for_prometheus_reads_metrics_through_the_proxy(portal: ProductionPortal) -> None:
    portal.start()
    create_staff(portal)
    token = portal.type("--scopes metrics:read").strip()
    assert portal.get("/metrics", x_forwarded_for="192.0.2.1").status == 401
    answer = portal.get("/metrics", x_forwarded_for="192.0.2.1", authorization=f"Bearer {token}")
    assert answer.status == 200
    assert portal.stop() == 0
