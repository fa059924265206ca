"""A portal that gives out phone tokens, as server processes: asked by many at once, killed, looked into."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jwt

from tests.real.database import fresh_database
from tests.real.http_calls import request
from tests.real.portal import CHECKOUT, Portal
from tests.real.waiting import eventually

KEY = b"k" * 32
WIDE = "1000000/minute"
"""A limit that nobody reaches."""
ANSWER_SECONDS = 60

DJANGO = (
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'portal.config.settings'; django.setup()\n"
)
READ_RECORDS = """
import json
from portal.models import PhoneToken
print(json.dumps([
    (token.fingerprint, token.xid, token.e164, int(token.issued_at.timestamp()), int(token.expires_at.timestamp()))
    for token in PhoneToken.objects.all()
]))
"""
NOTE_ADMISSIONS = """
from django.db import connection
note = "INSERT INTO noted_admission VALUES (new.subject, new.free_at)"
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE noted_admission (subject text, free_at double precision)")
    if connection.vendor == "sqlite":
        for change in ("INSERT", "UPDATE"):
            cursor.execute(
                f"CREATE TRIGGER noted_{change} AFTER {change} ON portal_admissionslot BEGIN {note}; END"
            )
    else:
        cursor.execute(
            f"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note}; RETURN new; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER noted AFTER INSERT OR UPDATE ON portal_admissionslot "
            "FOR EACH ROW EXECUTE FUNCTION note()"
        )
"""
READ_ADMISSIONS = """
import collections, json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT subject, free_at FROM noted_admission ORDER BY free_at")
    found = collections.defaultdict(list)
    for subject, free_at in cursor.fetchall():
        found[subject].append(free_at)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Reply:
    """``status`` is 0 when the connection ended without a whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


NOTHING = Reply(0, {}, b"")


class TokenPortal(Portal):
    """``serve`` in a process group of its own, with as many processes as are asked for."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        super().__init__(folder, **{
            "DATABASE_URL": database_url, "PORTAL_VAR": str(folder / "var"),
            "SECRET_KEY": "secret-" * 8, "PORTAL_SEALING_KEYS": "first-sealing-key-" * 3,
            "TOKEN_SERVICE_ISSUER": "acme", "TOKEN_SERVICE_KEY": base64.b64encode(KEY).decode(),
            "TOKEN_SERVICE_RATE": WIDE, "TOKEN_SERVICE_PHONE_RATE": WIDE, **settings,
        })  # fmt: skip

    def serve(self, *, processes: int = 1) -> None:
        """Start it and wait until it answers; the database has been prepared."""
        command = [sys.executable, "manage.py", "serve", "--prepared", "--workers", str(processes)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=CHECKOUT, env=self.environ, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, f"it answers; its log:\n{self.log[-3000:]}", seconds=60)

    def _answers(self) -> bool:
        assert self.running, f"it ended:\n{self.log[-3000:]}"
        try:
            return request(f"{self.url}/readyz").status == 200
        except OSError:
            return False

    def kill_group(self) -> None:
        """``kill -9`` of every process of the server at one moment; what they forked in it, too."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        eventually(self._none_is_left, "all are dead", seconds=30)

    def _none_is_left(self) -> bool:
        left = self.processes()
        for process in left:
            process.kill()
        return not left

    def fetch(self, wanted: str, method: str = "GET", **headers: str) -> Reply:
        """Ask for one token; header names with underscores."""
        answer = self.get(f"/v1/token/{wanted}", method, **headers)
        return Reply(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body
        )

    def fetch_at_once(self, asked: Sequence[tuple[str, str]]) -> list[Reply]:
        """Ask for all of them (number, caller's address) at the same moment."""
        heads = [
            f"GET /v1/token/{wanted} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\n"
            "Connection: close\r\n\r\n".encode()
            for wanted, address in asked
        ]
        return self.send_at_once(heads)

    def send_at_once(self, heads: Sequence[bytes]) -> list[Reply]:
        """Send each of these bytes over a connection of its own; all are open before the first is sent."""
        return asyncio.run(_send_all(self.port, heads))

    def in_django(self, code: str) -> "subprocess.CompletedProcess[str]":
        """Run Python in the portal's environment."""
        return subprocess.run(
            [sys.executable, "-c", DJANGO + code],
            cwd=CHECKOUT, env=self.environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def _read(self, code: str) -> Any:
        done = self.in_django(code)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def records(self) -> list[tuple[str, str, str, int, int]]:
        """Fingerprint, xid, number, iat and exp of each."""
        return [tuple(row) for row in self._read(READ_RECORDS)]

    def note_admissions(self) -> None:
        """From now on the database itself notes every admission that was committed."""
        self._read(NOTE_ADMISSIONS)

    def admissions(self) -> dict[str, list[float]]:
        """By subject: until when each admission takes a slot, in order."""
        return dict(self._read(READ_ADMISSIONS))


@contextmanager
def token_portal(folder: Path, *, processes: int = 1, **settings: str) -> Iterator[TokenPortal]:
    """One that runs, on a fresh database; nothing is left of it."""
    with fresh_database(folder) as url:
        portal = TokenPortal(folder, url, **settings)
        try:
            portal.manage("prepare", "--verbosity", "0")
            portal.serve(processes=processes)
            yield portal
        finally:
            portal.clean_up()


def claims_of(token: bytes) -> dict[str, Any]:
    """Its claims, the signature verified."""
    return dict(jwt.decode(token, KEY, ["HS256"], options={"verify_exp": False, "verify_iat": False}))


def most_in_a_window(ends: Sequence[float], seconds: float) -> int:
    """How many of these instants, in order, the fullest window of that length holds."""
    precision = 1e-5  # instants since the epoch, to which a window was added
    first = most = 0
    for last, end in enumerate(ends):
        while end - ends[first] >= seconds - precision:
            first += 1
        most = max(most, last - first + 1)
    return most


async def _send_all(port: int, heads: Sequence[bytes]) -> list[Reply]:
    open_one = partial(asyncio.open_connection, "127.0.0.1", port)
    opened = await asyncio.gather(*(open_one() for _ in heads))
    return await asyncio.gather(
        *(_send(reader, writer, head) for (reader, writer), head in zip(opened, heads, strict=True))
    )


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> Reply:
    try:
        writer.write(head)
        text = await asyncio.wait_for(reader.read(), ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return NOTHING
    finally:
        writer.close()
    return _reply(text, has_body=not head.startswith(b"HEAD "))


def _reply(text: bytes, *, has_body: bool) -> Reply:
    """The answer in these bytes; ``NOTHING`` when it isn't whole."""
    head, found, body = text.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    if not found or (has_body and len(body) < int(headers.get("content-length", 0))):
        return NOTHING
    return Reply(int(line.split()[1]), headers, body)


def numbers() -> Iterator[str]:
    """Telephone numbers, none of them twice."""
    return (f"1212{last:07d}" for last in range(10_000_000))
