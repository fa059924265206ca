"""What docs/phone-tokens.md tells to type does what the page says, and its tables are the code's."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from portal.core.scopes import SCOPES, STAFF_PERMISSIONS
from portal.models import PhoneToken
from portal.services.phone_tokens import BACKDATED, LIFETIME
from tests.docs.codes import find_codes
from tests.docs.pages import block
from tests.docs.phone_portal import API_KEY, phone_portal
from tests.docs.sources import ROOT
from tests.docs.variables import variables
from tests.real.http_calls import request
from tests.real.portal import Portal
from tests.real.required import require

pytestmark = pytest.mark.once
NAME = "docs/phone-tokens.md"
PAGE = (ROOT / NAME).read_text()
SHOWN_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with phone_portal(tmp_path_factory.mktemp("phones")) as portal:
        yield portal


def run(portal: Portal, command: list[str], text: str, **settings: str) -> str:
    """Feed a block of the page to a program; returns what it printed."""
    require(shutil.which("curl"), "curl is not installed")
    done = subprocess.run(
        command, input=text.replace(SHOWN_URL, portal.url).replace(".venv/bin/python", sys.executable),
        cwd=ROOT, env={**portal.environ, **settings}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answer(portal: Portal) -> str:
    """To the first request of the page."""
    return run(portal, ["bash"], block(NAME, "sh", "curl -i")).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def token(answer: str) -> str:
    return answer.rpartition("\n\n")[2]


def test_the_first_request_is_answered_as_shown(answer: str, token: str) -> None:
    shown = re.search(r"^HTTP/1\.1 200 OK\n(.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None
    head = answer.rpartition("\n\n")[0].splitlines()
    assert head[0] == "HTTP/1.1 200 OK"
    assert set(shown[1].splitlines()) <= set(head)
    assert re.fullmatch(r"eyJhbGciOiJIUzI1NiIs[\w.-]+", token)


def test_looking_into_a_token_prints_its_five_claims(portal: Portal, token: str) -> None:
    text = block(NAME, "python", "jwt.decode")
    printed = run(portal, [sys.executable, "-"], text, TOKEN=token, TOKEN_SERVICE_KEY=API_KEY)
    assert re.findall(r"'(\w+)':", printed) == ["iss", "iat", "exp", "phn", "xid"]
    assert "'xid': 'order-1042'" in printed


def found(portal: Portal) -> list[dict[str, Any]]:
    """The two answers of the page's look-ups."""
    printed = run(portal, ["bash"], block(NAME, "sh", "READER="))
    return [json.loads(line) for line in printed.replace("}{", "}\n{").splitlines()]


def test_records_are_found_by_xid_and_by_number_as_shown(portal: Portal, token: str) -> None:
    by_xid, by_number = found(portal)
    assert by_xid == by_number
    (shown,) = json.loads(block(NAME, "json", "results"))["results"]
    (record,) = by_xid["results"]
    assert list(record) == list(shown)
    assert (record["xid"], record["phone_number"]) == (shown["xid"], shown["phone_number"])
    assert record["fingerprint"] == hashlib.sha256(token.encode()).hexdigest()


def test_the_backends_token_can_be_made(portal: Portal) -> None:
    made = run(portal, ["bash"], block(NAME, "sh", "tokens:read tokens:write"))
    assert made.startswith("lk_")


def test_erasing_a_number_leaves_no_record(portal: Portal, token: str) -> None:
    assert "'portal.PhoneToken': 1" in run(portal, ["bash"], block(NAME, "sh", "PhoneToken.objects"))
    assert [answer["results"] for answer in found(portal)] == [[], []]


def test_the_table_of_answers_has_the_codes_and_their_status() -> None:
    statuses = find_codes().statuses
    rows = re.findall(r"^\| ((?:\d{3}(?:, )?)+) \| (`[a-z_`, ]+`) \|", PAGE, re.MULTILINE)
    listed = {
        code: {int(status) for status in row.split(", ")} for row, codes in rows for code in _quoted(codes)
    }
    assert len(listed) >= 9
    assert {code: stated for code, stated in listed.items() if not statuses[code] & stated} == {}


def _quoted(text: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", text)


def test_a_refusal_has_the_code_of_its_row(portal: Portal) -> None:
    for method, path, status in (
        ("GET", "123", 400), ("GET", "15555550123/%20", 400), ("POST", "15555550123", 405),
        ("GET", "15555550124/order-77", 200), ("GET", "15555550125/order-77", 409),
    ):  # fmt: skip
        given = request(f"{portal.url}/v1/token/{path}", method)
        assert given.status == status
        if status != 200:
            assert re.search(rf"^\| {status} \| [^|]*`{given.json()['code']}`", PAGE, re.MULTILINE)


def test_variables_exist_and_defaults_are_the_codes() -> None:
    named = set(re.findall(r"TOKEN_SERVICE_\w+", PAGE)) - {"TOKEN_SERVICE_KEY_FILE"}
    assert named == {name for name in variables() if name.startswith("TOKEN_SERVICE_")}
    for name, default in re.findall(r"`(TOKEN_SERVICE_\w+)` \(`([^`]+)`\)", PAGE):
        assert variables()[name] == default


def test_times_are_the_codes() -> None:
    life = int((LIFETIME - BACKDATED).total_seconds())
    assert f"has {life} seconds from when it is given out" in PAGE
    assert f"`exp` is {LIFETIME.seconds} seconds after" in PAGE
    assert BACKDATED.seconds == 10  # "ten seconds ago", and what a clock may be ahead


def test_permissions_are_called_as_in_the_admin() -> None:
    named = re.search(r"account that it belongs to needs (.+?) and (.+?)\.\n", PAGE)
    assert named is not None
    titles = {
        f"Can {action} phone token": f"{action}_phonetoken" for action in PhoneToken._meta.default_permissions
    }
    titles |= {title: codename for codename, title in PhoneToken._meta.permissions}
    needed = {*STAFF_PERMISSIONS["tokens:read"], *STAFF_PERMISSIONS["tokens:write"]}
    assert {titles[title] for title in re.findall(r"\*(.+?)\*", named[0])} == needed
    assert set(re.findall(r"`(tokens:\w+)`", PAGE)) <= set(SCOPES)


def test_alerts_ask_for_outcomes_that_exist() -> None:
    rules = yaml.safe_load(block(NAME, "yaml", "groups:"))["groups"][0]["rules"]
    outcomes = [
        re.findall(r'latchkey_phone_token_seconds_count\{outcome="(\w+)"}', rule["expr"]) for rule in rules
    ]
    assert all(len(asked) == 1 and asked[0] in find_codes().statuses for asked in outcomes)
    assert len(rules) == 4
