"""What the README tells to type does what the README says, against a portal as its user starts it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import block
from tests.docs.sources import ROOT
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.required import NODE, require, require_node

pytestmark = pytest.mark.once
SHOWN_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """After steps 1 and 2: a customer and its member."""
    folder = tmp_path_factory.mktemp("readme")
    url = f"sqlite:///{folder / 'portal.sqlite3'}"
    portal = Portal(folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
    try:
        portal.start()
        customer = portal.api("POST", "/customers", {"name": "Acme Ltd", "external_id": "acme-1042"}).json()
        portal.api("POST", f"/customers/{customer['id']}/users", {"email": "ada@acme.example"})
        yield portal
    finally:
        portal.clean_up()


@pytest.fixture(scope="module")
def secret(portal: Portal) -> str:
    body = {"customer": "acme-1042", "user": "ada@acme.example", "name": "production"}
    return str(portal.api("POST", "/keys", body).json()["secret"])


def run(portal: Portal, command: list[str], text: str, cwd: Path = ROOT, **settings: str) -> str:
    """Feed a block of the page, its address replaced by the portal's, to a program."""
    done = subprocess.run(
        command, input=text.replace(SHOWN_URL, portal.url).replace(".venv/bin/python", sys.executable),
        cwd=cwd, env={**portal.environ, **settings}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_asking_answers_whose_key_it_is(portal: Portal, secret: str) -> None:
    require(shutil.which("curl"), "curl is not installed")
    answer = run(portal, ["bash"], block("README.md", "sh", "api/v1/verify"), API_KEY=secret)
    assert "204" in answer
    assert "x-org-id: acme-1042" in answer


def test_python_verifies_by_itself(portal: Portal, secret: str) -> None:
    printed = run(portal, [sys.executable, "-"], block("README.md", "python", "jwt.decode"), API_KEY=secret)
    assert printed == "acme-1042\n"


def test_node_verifies_by_itself(portal: Portal, secret: str) -> None:
    require_node()
    text = block("README.md", "js", "jwtVerify")
    printed = run(portal, ["node", "--input-type=module", "-"], text, cwd=NODE, API_KEY=secret)
    assert printed == "acme-1042\n"


def test_script_gets_one_key_however_often_it_runs(portal: Portal) -> None:
    require(shutil.which("curl"), "curl is not installed")
    script = block("README.md", "sh", "create_access_token")
    token = f"TOKEN={portal.token}\n"
    assert STAFF_EMAIL in script
    first = _key(run(portal, ["bash"], script))
    assert first["name"] == "nightly job"
    assert first["secret"].startswith("eyJ")
    # The same caller: the README's second request comes from the same shell.
    again = script.split("\n\n", 1)[1].replace("nightly-1", "nightly-2")
    assert _key(run(portal, ["bash"], token + again)) == _key(run(portal, ["bash"], token + again))


def _key(printed: str) -> dict[str, Any]:
    key = json.loads(printed)
    assert isinstance(key, dict)
    return key
