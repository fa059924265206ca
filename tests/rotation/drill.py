"""One drill: a load of good and bad keys on every verifier, while the portal rotates."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from portal.core.recipes import AUDIENCE
from tests.real import forged
from tests.real.database import fresh_database
from tests.real.portal import Portal
from tests.rotation.gateways import JWKS, Verifies, verifiers

BAD_SHARE = 0.2
KEY_SECONDS, MARGIN_SECONDS = 40, 10
"""How long keys live, and how long before their end they are no longer sent: a request takes its time."""
LONG_EXPIRED_SECONDS = 90
"""Beyond the minute of leeway that Envoy gives."""
ISSUED_EACH_SECOND = 4


@dataclass
class Figures:
    """What came of it."""

    sent: Counter[str] = field(default_factory=Counter)
    """By verifier."""
    good: int = 0
    bad: int = 0
    rotations: int = 0
    signing_keys: set[str] = field(default_factory=set)
    """By whose signature good keys were sent."""
    refused: list[str] = field(default_factory=list)
    """Good keys that were refused: verifier, and what is known of the key."""
    accepted: list[str] = field(default_factory=list)
    """Bad ones that were let in: verifier, and what was wrong."""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Issued:
    """A key with its end, by this machine's clock, and the id of what signed it."""

    token: str
    ends_at: float
    kid: str


class Keys:
    """Good keys of all ages, and bad ones made from them."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._owner = portal.add_owner()
        self._stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._issued: list[Issued] = []
        self._expired: list[str] = []
        self._published: dict[str, dict[str, Any]] = {}

    def issue(self) -> None:
        token = str(self._portal.issue(self._owner, expires_in=f"{KEY_SECONDS}s")["secret"])
        ends_at = float(jwt.decode(token, options={"verify_signature": False})["exp"])
        kid = str(jwt.get_unverified_header(token)["kid"])
        if kid not in self._published:
            self._published |= {key["kid"]: key for key in self._portal.get(JWKS).json()["keys"]}
        self._issued.append(Issued(token, ends_at, kid))
        while self._issued[0].ends_at < time.time() - LONG_EXPIRED_SECONDS:
            self._expired.append(self._issued.pop(0).token)

    def good(self, dice: random.Random) -> Issued:
        usable = [key for key in self._issued if key.ends_at > time.time() + MARGIN_SECONDS]
        return dice.choice(usable)

    def bad(self, dice: random.Random) -> tuple[str, str]:
        """What is wrong with it, and the token."""
        genuine = self.good(dice)
        claims = jwt.decode(genuine.token, options={"verify_signature": False})
        header = {"kid": genuine.kid, "typ": "at+jwt"}
        kinds: dict[str, Callable[[], str]] = {
            "tampered": lambda: forged.tampered(genuine.token),
            "none": lambda: forged.unsigned(genuine.token),
            "stranger": lambda: jwt.encode(claims, self._stranger, "RS256", headers=header),
            "HS256": lambda: forged.signed_with_the_public_key(genuine.token, self._published[genuine.kid]),
            "unknown kid": lambda: jwt.encode(
                claims, self._stranger, "RS256", headers={**header, "kid": "unknown"}
            ),
        }
        if self._expired:
            kinds["expired"] = lambda: dice.choice(self._expired)
        what = dice.choice(list(kinds))
        return what, kinds[what]()


class Drill:
    """On a portal that runs; ``lead_seconds`` is its shortened lead."""

    def __init__(self, portal: Portal, verifies: dict[str, Verifies], *, seed: int) -> None:
        self._portal = portal
        self._verifies = verifies
        self._seed = seed
        self._stopping = threading.Event()
        self._keys = Keys(portal)
        self._lock = threading.Lock()
        self.figures = Figures()

    def run(self, *, seconds: float, rotate_every_seconds: float, each_per_second: float) -> Figures:
        """Load for that long; every verifier gets ``each_per_second`` requests."""
        self._keys.issue()
        threads = [
            threading.Thread(target=self._guarded, args=(self._load, name, verifies, each_per_second))
            for name, verifies in self._verifies.items()
        ]
        threads.append(threading.Thread(target=self._guarded, args=(self._issue,)))
        threads.append(threading.Thread(target=self._guarded, args=(self._rotate, rotate_every_seconds)))
        for thread in threads:
            thread.start()
        self._stopping.wait(seconds)  # ends early when a thread fails
        self._stopping.set()
        for thread in threads:
            thread.join()
        return self.figures

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as exc:  # a thread's end would go unseen, and the drill look good
            self.figures.errors.append(f"{work.__name__}: {type(exc).__name__}: {exc}")
            self._stopping.set()

    def _issue(self) -> None:
        while not self._stopping.wait(1 / ISSUED_EACH_SECOND):
            self._keys.issue()

    def _rotate(self, every_seconds: float) -> None:
        """Without ``--now``: that the lead has passed is the portal's own guard."""
        while not self._stopping.wait(every_seconds):
            self._portal.manage("rotate_signing_key")
            self.figures.rotations += 1

    def _load(self, name: str, verifies: Verifies, per_second: float) -> None:
        dice = random.Random(f"{self._seed} {name}")
        for _ in self._paced(per_second):
            if dice.random() < BAD_SHARE:
                what, token = self._keys.bad(dice)
                if verifies.accepts(token):
                    self.figures.accepted.append(f"{name}: {what}")
                self._count(name, good=False)
                continue
            key = self._keys.good(dice)
            if not verifies.accepts(key.token):
                self.figures.refused.append(
                    f"{name}: {key.kid}, {key.ends_at - time.time():.0f} s before its end"
                )
            self.figures.signing_keys.add(key.kid)
            self._count(name, good=True)

    def _paced(self, per_second: float) -> Iterator[None]:
        """At that rate; a slow answer is made up for."""
        begun, number = time.monotonic(), 0
        while not self._stopping.is_set():
            yield
            number += 1
            self._stopping.wait(max(0.0, begun + number / per_second - time.monotonic()))

    def _count(self, name: str, *, good: bool) -> None:
        with self._lock:
            self.figures.sent[name] += 1
            self.figures.good += good
            self.figures.bad += not good


@contextmanager
def prepared(folder: Path, *, lead_seconds: int, seed: int) -> Iterator[Drill]:
    """A portal of its own with that lead, and gateways that keep keys for at most half of it."""
    with fresh_database(folder) as url:
        portal = Portal(
            folder, DATABASE_URL=url, SIGNING_KEY_LEAD_TIME=f"{lead_seconds}s", PLUGIN_JWT_AUDIENCE=AUDIENCE
        )  # fmt: skip
        try:
            portal.start()
            with verifiers(portal, folder, cache_seconds=lead_seconds // 2) as verifies:
                yield Drill(portal, verifies, seed=seed)
        finally:
            portal.clean_up()
