"""Phone tokens from real server processes: limits in parallel, kills, callers who lie, a database that is away."""

import random
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.phone_tokens import BEHIND_A_PROXY, LIMIT, LIMITS, Kills, LimitRounds
from tests.real.outage import Outage
from tests.real.required import require_proc
from tests.real.test_rotate_sealing_key import NEW
from tests.real.token_service import TokenPortal, claims_of, token_portal
from tests.real.waiting import eventually

NUMBER = "15557654321"
"""No line of a log may have these digits."""
ONCE_A_DAY = {"TOKEN_SERVICE_RATE": "1/day", "LOG_LEVEL": "debug"}
SPOOFED = "192.0.2.66"

DIE_HALF_WAY = """
import os, signal
from django.db import connection
from portal.services import sealing
sealing.BATCH = 5
updates = 0
def count(execute, sql, params, many, context):
    global updates
    done = execute(sql, params, many, context)
    updates += sql.startswith("UPDATE") and "phone_hash" in sql
    if updates == 3:  # two batches are committed, this one is not
        os.kill(os.getpid(), signal.SIGKILL)
    return done
with connection.execute_wrapper(count):
    sealing.rotate_sealing_key()
"""
COUNT_HASHES = """
import json
from portal.core.keyed_hashes import keyed_hashes
from portal.models import PhoneToken
newest = keyed_hashes("any", "")[0].partition(".")[0]
print(json.dumps(PhoneToken.objects.filter(phone_hash__startswith=newest).count()))
"""


def test_of_two_hundred_at_once_twenty_are_let_in(tmp_path: Path) -> None:
    """``make phone-token-faults`` has more rounds, and the minute after them."""
    with token_portal(tmp_path, processes=2, **LIMITS, **BEHIND_A_PROXY) as portal:
        done = LimitRounds(portal).run(2)
    assert (done.admitted, dict(done.others), done.findings) == ([LIMIT] * 4, {}, [])
    assert done.most == LIMIT


@pytest.mark.timeout(600)
def test_every_token_that_left_a_killed_server_has_its_record(tmp_path: Path) -> None:
    require_proc()
    seed = random.randrange(2**32)
    with token_portal(tmp_path, processes=2) as portal:
        campaign = Kills(portal, seed, processes=2)
        campaign.run(3)
    assert campaign.findings == [], f"seed {seed}"
    assert campaign.tokens > 0


def test_a_rotation_that_was_killed_leaves_each_transaction_its_number(tmp_path: Path) -> None:
    with token_portal(tmp_path) as portal:
        taken = [(f"1555765{last:04d}", f"order-{last}") for last in range(20)]
        for number, xid in taken:
            assert portal.fetch(f"{number}/{xid}").status == 200
        assert portal.stop() == 0
        portal.environ["PORTAL_SEALING_KEYS"] = f"{NEW},{portal.environ['PORTAL_SEALING_KEYS']}"
        assert portal.in_django(DIE_HALF_WAY).returncode == -signal.SIGKILL
        assert portal.in_django(COUNT_HASHES).stdout == "10\n"
        portal.serve()
        for number, xid in taken:
            assert portal.fetch(f"{NUMBER}/{xid}").status == 409
            assert portal.fetch(f"+{number}/{xid}").status == 200
        portal.manage("rotate_sealing_key")
        assert portal.in_django(COUNT_HASHES).stdout == "40\n"
        assert {row[2] for row in portal.records()} == {f"+{number}" for number, _ in taken}


def test_a_database_that_is_away_gives_no_tokens(tmp_path: Path) -> None:
    with token_portal(tmp_path, processes=2, LOG_LEVEL="debug") as portal:
        assert portal.fetch(NUMBER).status == 200
        with away(portal.environ["DATABASE_URL"]):
            replies = portal.fetch_at_once([(f"{NUMBER}/order-{turn}", "") for turn in range(10)])
            replies.append(portal.fetch(NUMBER, "HEAD"))
        for reply in replies:
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert {reply.json()["code"] for reply in replies[:-1]} == {"database_unavailable"}
        eventually(lambda: portal.fetch(NUMBER).status == 200, "it gives out tokens again", seconds=40)
        assert len(portal.records()) == 2
        assert NUMBER[1:] not in portal.log


def away(url: str) -> ExitStack:
    """A PostgreSQL that refuses connections, or an SQLite that another process holds for longer than we wait."""
    stack = ExitStack()
    if url.startswith("postgres"):
        stack.enter_context(Outage(url))
        return stack
    held = stack.enter_context(closing(sqlite3.connect(urlsplit(url).path, isolation_level=None, timeout=20)))
    held.execute("BEGIN IMMEDIATE")
    return stack


@pytest.fixture(scope="module", params=[0, 1, 2])
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenPortal]:
    """Behind so many proxies, which the test's own lines stand for; an address gets one token a day."""
    folder = tmp_path_factory.mktemp("proxied")
    with token_portal(folder, PORTAL_TRUSTED_PROXIES=str(request.param), **ONCE_A_DAY) as portal:
        yield portal


_addresses = (f"203.0.{third}.{last}" for third in range(113, 250) for last in range(1, 250))


def status(portal: TokenPortal, *lines: str | bytes, wanted: str = NUMBER, method: str = "GET") -> int:
    """Of the answer to a request with exactly these lines in its head."""
    head = [f"{method} /v1/token/{wanted} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines, "", ""]
    raw = b"\r\n".join(line.encode("latin-1") if isinstance(line, str) else line for line in head)
    return portal.send_at_once([raw])[0].status


@pytest.mark.once
@pytest.mark.parametrize(
    "lines",
    [
        ["X-Forwarded-For: SPOOFED, TRUE"],
        ["X-Forwarded-For: SPOOFED", "X-Forwarded-For: TRUE"],  # as HAProxy appends
        ["X-Forwarded-For: SPOOFED", "x-forwarded-FOR: SPOOFED", "X-Forwarded-For: TRUE"],
        ["X-Forwarded-For: SPOOFED,", "X-Forwarded-For: TRUE"],
        ["X-Forwarded-For: SPOOFED, SPOOFED, TRUE:4711"],
        ["X-Forwarded-For: [::ffff:TRUE]:4711"],
        ["X-Forwarded-For: \xff\xfe", "X-Forwarded-For: TRUE"],
        ["X-Forwarded-For:", "X-Forwarded-For: TRUE"],
        ["X-Forwarded-For: " + "9" * 20_000, "X-Forwarded-For: TRUE"],
        ["X-Forwarded-For: " + "1.2.3.4," * 3_000 + " TRUE"],
        ["X_Forwarded_For: SPOOFED", "X-Forwarded-For: TRUE"],
        ["Forwarded: for=SPOOFED", "X-Forwarded-For: TRUE"],
        ["X-Real-IP: SPOOFED", "True-Client-IP: SPOOFED", "X-Forwarded-For: TRUE"],
        ["X-Forwarded-Host: SPOOFED", "X-Client-IP: SPOOFED", "Via: 1.1 SPOOFED", "X-Forwarded-For: TRUE"],
    ],
)  # fmt: skip
def test_no_line_of_the_callers_names_another_address(proxied: TokenPortal, lines: list[str]) -> None:
    true, inner = next(_addresses), "10.0.0.1"
    proxies = int(proxied.environ["PORTAL_TRUSTED_PROXIES"])
    first = status(proxied, f"X-Forwarded-For: {', '.join([true, inner][:proxies])}")
    assert first == 200 if proxies else first in (200, 429)  # without proxies all are one
    sent = [line.replace("TRUE", true).replace("SPOOFED", SPOOFED) for line in lines]
    if proxies == 2:
        sent.append(f"X-Forwarded-For: {inner}")
    assert status(proxied, *sent) == 429


@pytest.mark.once
def test_words_that_are_unreadable_are_refused(proxied: TokenPortal) -> None:
    """As nginx appends: in one line with the caller's own, of which granian hands over nothing."""
    behind = proxied.environ["PORTAL_TRUSTED_PROXIES"] != "0"
    line = f"X-Forwarded-For: {SPOOFED}", f"X-Forwarded-For: \xff, {next(_addresses)}, 10.0.0.1"
    assert status(proxied, *line) == (400 if behind else 429)


@pytest.mark.once
def test_a_later_name_with_underscores_stands_for_the_header(proxied: TokenPortal) -> None:
    """Why proxies have to drop such names (docs/production.md). When this fails, granian has mended it."""
    if proxied.environ["PORTAL_TRUSTED_PROXIES"] != "1":
        pytest.skip("one proxy tells it all")
    true = next(_addresses)
    assert [status(proxied, f"X-Forwarded-For: {true}") for _ in range(2)] == [200, 429]
    spoofed = [f"X-Forwarded-For: {true}", f"X_Forwarded_For: {next(_addresses)}"]
    assert status(proxied, *spoofed) == 200


@pytest.mark.once
def test_around_the_proxies_everybody_is_one_caller(proxied: TokenPortal) -> None:
    found = [status(proxied) for _ in range(3)]
    assert found[1:] == [429, 429]


@pytest.fixture(scope="module")
def open_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenPortal]:
    """Without a limit that anybody reaches; its log tells all it can."""
    with token_portal(tmp_path_factory.mktemp("open"), LOG_LEVEL="debug") as portal:
        yield portal


HOSTILE_TARGETS = [
    f"/v1/token/{NUMBER}%00", f"/v1/token/{NUMBER}%0a", f"/v1/token/{NUMBER}%0d%0aX: 1/a", f"/v1/token/%00{NUMBER}",
    f"/v1/token/%ff%fe{NUMBER}", f"/v1/token/{NUMBER}%zz", f"/v1/token/{NUMBER}%", f"/v1/token/{NUMBER}/%c0%af",
    f"/v1/token/{NUMBER}/a%2fb", f"/v1/token/{NUMBER}%2f%2f", f"/v1/token/{NUMBER}/", f"/v1/token/{NUMBER}//a",
    f"/v1/token//{NUMBER}", f"/v1//token/{NUMBER}", f"//v1/token/{NUMBER}", f"/v1/token/../token/{NUMBER}",
    f"/v1/../v1/token/{NUMBER}", f"/v1/token/{NUMBER}/../../x", "/v1/token/", "/v1/token",
    f"/v1/token/%252b{NUMBER}", f"/v1/token/++{NUMBER}", f"/v1/token/%20{NUMBER}", f"/v1/token/{NUMBER};a=1",
    f"/v1/token/{NUMBER * 2_700}", f"/v1/token/{NUMBER}/{'x' * 30_000}", f"/v1/token/{'%31' * 10_000}",
    f"/v1/token/{'/' * 30_000}{NUMBER}", f"/v1/token/{NUMBER}/\u00e9".encode().decode("latin-1"),
    f"/v1/token/%D9%A1%D9%A2%D9%A3{NUMBER}", f"/v1/token/{NUMBER}/%F0%9F%98%80", f"v1/token/{NUMBER}",
    f"http://127.0.0.1/v1/token/{NUMBER}%00", f"http://evil.example/v1/token/{NUMBER}/", "http://",
    f"/V1/TOKEN/{NUMBER}", f"/v1/token\\{NUMBER}", f"/v1/token/{NUMBER}\\a", "*",
]  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PURGE"])
def test_hostile_targets_are_refused(open_portal: TokenPortal, method: str) -> None:
    head = " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    replies = open_portal.send_at_once(
        [f"{method} {target}{head}".encode("latin-1") for target in HOSTILE_TARGETS]
    )
    for target, reply in zip(HOSTILE_TARGETS, replies, strict=True):
        assert reply.status in (400, 404, 405), target[:80]


@pytest.mark.once
@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (f"GET /v1/token/{NUMBER} HTTP/1.0\r\n\r\n", 400),
        (f"GET /v1/token/{NUMBER} HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (f"GET /v1/token/{NUMBER} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (f"GET /v1/token/{NUMBER} HTTP/1.1\r\nHost: {NUMBER}\r\nConnection: close\r\n\r\n", 400),
        (f"GET /v1/token/{NUMBER} HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (f"GET  /v1/token/{NUMBER}\r\n\r\n", 400),
        (f"GET http://127.0.0.1/v1/token/{NUMBER} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 200),
        (f"GET /v1/token/{NUMBER}?a=%00#b HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 200),
        (f"GET /v1/token/%2B{NUMBER}/a%2Eb HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 200),
    ],
)  # fmt: skip
def test_odd_heads_are_answered_or_refused(open_portal: TokenPortal, head: str, expected: int) -> None:
    assert open_portal.send_at_once([head.encode()])[0].status == expected


@pytest.mark.once
def test_no_line_of_the_log_names_a_number(open_portal: TokenPortal) -> None:
    """After all the tests above."""
    reply = open_portal.fetch(f"{NUMBER}/order-1")
    assert claims_of(reply.body)["phn"] == NUMBER
    assert open_portal.fetch("15557654322/order-1").status == 409
    assert open_portal.log.count("http.request") > 2
    assert NUMBER[1:-1] not in open_portal.log
