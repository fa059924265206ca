"""``python -m tests.faults.phone_tokens``: limits in parallel, and kills under load, of the phone-token service."""

import argparse
import hashlib
import http.client
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.__main__ import databases
from tests.real.token_service import (
    TokenPortal,
    claims_of,
    most_in_a_window,
    numbers,
    token_portal,
)
from tests.real.waiting import eventually

LIMIT, AT_ONCE, CLIENTS = 20, 200, 6
PROCESSES = {"SQLite": 2, "PostgreSQL": 4}
LIMITS = {"TOKEN_SERVICE_RATE": f"{LIMIT}/minute", "TOKEN_SERVICE_PHONE_RATE": f"{LIMIT}/minute"}
BEHIND_A_PROXY = {"PORTAL_TRUSTED_PROXIES": "1"}


@dataclass
class Rounds:
    """What came of rounds of parallel requests."""

    admitted: list[int] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)
    """Answers that were neither a token nor a refusal with a ``Retry-After`` within the window."""
    most: int = 0
    """In any window, of any subject, as the database noted it."""
    findings: list[str] = field(default_factory=list)


class LimitRounds:
    """Rounds against a limit of 20 a minute, in turn by address and by number, each of a new one.

    ``again`` asks for all of them once more after their minute, when each has 20 admissions again.
    """

    def __init__(self, portal: TokenPortal) -> None:
        self._portal = portal
        self._numbers = numbers()
        self._asked: list[tuple[str, float]] = []
        self.done = Rounds()
        portal.note_admissions()

    def run(self, rounds: int, *, again: bool = False) -> Rounds:
        for turn in range(rounds):
            self._asked += [(f"198.51.{turn}.7", 0), (next(self._numbers), 0)]
        for _ in range(1 + again):
            for place, (subject, asked_at) in enumerate(self._asked):
                time.sleep(max(0, asked_at + 60 - time.monotonic()))
                self._ask(subject)
                self._asked[place] = (subject, time.monotonic())
        noted = self._portal.admissions()
        self.done.most = max(most_in_a_window(ends, 60) for ends in noted.values())
        if sum(len(ends) for ends in noted.values()) != 2 * sum(self.done.admitted):
            self.done.findings.append("the database has other admissions than the callers")
        if len(self._portal.records()) != sum(self.done.admitted):
            self.done.findings.append("there are other records than tokens")
        return self.done

    def _ask(self, subject: str) -> None:
        if "." in subject:
            asked = [(next(self._numbers), subject) for _ in range(AT_ONCE)]
        else:
            asked = [(subject, f"203.0.{turn // 250}.{turn % 250}") for turn in range(AT_ONCE)]
        replies = self._portal.fetch_at_once(asked)
        statuses = Counter(reply.status for reply in replies)
        self.done.admitted.append(statuses[200])
        waits = [int(reply.headers["retry-after"]) for reply in replies if reply.status == 429]
        if not all(1 <= wait <= 60 for wait in waits):
            self.done.findings.append(f"Retry-After between {min(waits)} and {max(waits)}")
        self.done.others += Counter({s: n for s, n in statuses.items() if s not in (200, 429)})


@dataclass(frozen=True)
class Received:
    """A token that reached a client whole, and what it had asked for."""

    text: bytes
    number: str
    asked_xid: str | None
    xid: str


class Kills:
    """Clients that go on asking while the server is killed and started again."""

    def __init__(self, portal: TokenPortal, seed: int, *, processes: int) -> None:
        self._portal, self._processes, self._seed = portal, processes, seed
        self._dice = random.Random(seed)
        self._received: list[Received] = []
        self._stop = threading.Event()
        self.broken = 0
        """Requests that got no whole answer."""
        self.given_up = 0
        """Answers that a client didn't wait for."""
        self.findings: list[str] = []
        self.slowest_start = 0.0

    def run(self, kills: int) -> None:
        with self._load():
            for _ in range(kills):
                self._wait_for_tokens()
                time.sleep(self._dice.uniform(0, 1))
                self._portal.kill_group()
                began = time.monotonic()
                self._portal.serve(processes=self._processes)
                self._wait_for_tokens()
                self.slowest_start = max(self.slowest_start, time.monotonic() - began)
        self._check()

    @property
    def tokens(self) -> int:
        return len(self._received)

    @contextmanager
    def _load(self) -> Iterator[None]:
        clients = [threading.Thread(target=self._client, args=(place,)) for place in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._stop.set()
            for client in clients:
                client.join()

    def _wait_for_tokens(self) -> None:
        wanted = self.tokens + CLIENTS
        eventually(lambda: self.tokens >= wanted, "it gives out tokens again", seconds=60)

    def _client(self, place: int) -> None:
        dice = random.Random(f"{self._seed} {place}")
        for turn in range(10_000_000):
            if self._stop.is_set():
                return
            number = f"1646{dice.randrange(10**7):07d}"
            xid = dice.choice([None, f"{place}-{turn}", f"{place}-{turn}"])
            for _ in range(dice.choice([1, 1, 3]) if xid else 1):
                self._ask(number, xid, gives_up=dice.random() < 0.1)

    def _ask(self, number: str, xid: str | None, *, gives_up: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._portal.port, timeout=60)
        try:
            connection.request("GET", f"/v1/token/{number}" + (f"/{xid}" if xid else ""))
            if gives_up:
                self.given_up += 1
                return
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.broken += 1
            time.sleep(0.05)
            return
        finally:
            connection.close()
        if answer.status == 200:
            self._received.append(Received(text, number, xid, answer.headers["X-Transaction-Id"]))
        else:
            self.findings.append(f"{answer.status}: {text.decode()}")

    def _check(self) -> None:
        """Hold what clients received and what is recorded together."""
        records = Counter(self._portal.records())
        self.records = records.total()
        if self.records > self.tokens + self.broken + self.given_up:
            self.findings.append("there are more records than requests")
        # Of one transaction two tokens of one second are alike, and each has its record.
        for token, count in Counter(self._received).items():
            claims = claims_of(token.text)
            digest = hashlib.sha256(token.text).hexdigest()
            record = (digest, token.xid, f"+{token.number}", claims["iat"], claims["exp"])
            if records[record] < count:
                self.findings.append(f"{count} tokens of {token.xid} have {records[record]} records")
            if (claims["phn"], claims["xid"]) != (token.number, token.xid):
                self.findings.append(f"the token of {token.xid} is another one's")
            if token.asked_xid not in (None, token.xid):
                self.findings.append(f"{token.asked_xid} was asked for, {token.xid} given")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.phone_tokens", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=20, help="of 200 requests, by address and by number each"
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", default="", help="a PostgreSQL server's URL; default: SQLite and it")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # leaves nothing behind
    found = []
    for server in databases(given.database, sqlite_alone=given.sqlite):
        os.environ["TEST_DATABASE_URL"] = server
        name = "PostgreSQL" if server else "SQLite"
        print(f"== {name}, {PROCESSES[name]} processes, seed {given.seed}", flush=True)
        if given.rounds:
            found += _limits(PROCESSES[name], given.rounds)
        if given.kills:
            found += _kills(PROCESSES[name], given.kills, given.seed)
    for finding in found:
        print(finding)
    return int(bool(found))


def _limits(processes: int, rounds: int) -> list[str]:
    with (
        tempfile.TemporaryDirectory(prefix="latchkey-faults-") as folder,
        token_portal(Path(folder), processes=processes, **LIMITS, **BEHIND_A_PROXY) as portal,
    ):
        done = LimitRounds(portal).run(rounds, again=True)
    print(
        f"{len(done.admitted)} rounds of {AT_ONCE} at a limit of {LIMIT}: admitted {min(done.admitted)} to "
        f"{max(done.admitted)}, at most {done.most} in any 60 s, other answers {dict(done.others)}",
        flush=True,
    )
    exact = set(done.admitted) == {LIMIT} and done.most == LIMIT and not done.others
    return done.findings + ([] if exact else ["the limit was not kept exactly"])


def _kills(processes: int, kills: int, seed: int) -> list[str]:
    with (
        tempfile.TemporaryDirectory(prefix="latchkey-faults-") as folder,
        token_portal(Path(folder), processes=processes) as portal,
    ):
        campaign = Kills(portal, seed, processes=processes)
        campaign.run(kills)
    print(
        f"{kills} kills: {campaign.tokens} tokens received, {campaign.records} records, {campaign.broken} requests "
        f"without an answer, {campaign.given_up} whose answer nobody waited for, at most {campaign.slowest_start:.1f} s without tokens, "
        f"{len(campaign.findings)} findings",
        flush=True,
    )
    return campaign.findings


if __name__ == "__main__":
    sys.exit(main())
