"""A portal as its user starts it: ``manage.py run``, a process with an environment of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.real.http_calls import Answer, request
from tests.real.processes import MARK, Process, living
from tests.real.waiting import eventually

CHECKOUT = Path(__file__).parents[2]
STAFF_EMAIL, STAFF_PASSWORD = "staff@localhost.localdomain", "a staff password of 1234"
SCOPES = "customers:read customers:write keys:read keys:write operations:read tokens:introspect audit:read"
START_SECONDS, STOP_SECONDS = 60, 25


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Portal:
    """``checkout`` is where manage.py lives; ``settings`` are further environment variables."""

    def __init__(self, folder: Path, *, checkout: Path = CHECKOUT, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mark = uuid4().hex
        self._log = folder / "portal.log"
        self.checkout = checkout
        self._process: subprocess.Popen[bytes] | None = None
        # Nothing of the suite's own environment: what counts is what a user would give.
        self.environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PORTAL_ENV": "development",
            "PORT": str(self.port),
            "SIGNING_KEY_LEAD_TIME": "1s",
            MARK: self.mark,
            **settings,
        }

    # Processes

    def start(self, command: str = "run", *, seconds: float = START_SECONDS) -> "Portal":
        """Start it and wait until it is ready, its worker too."""
        self._process = self.spawn(command)
        self.wait_ready(seconds=seconds)
        return self

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """A long-running manage.py command; its output goes to the log."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=self.checkout, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def wait_ready(self, url: str | None = None, *, seconds: float = START_SECONDS) -> None:
        def ready() -> bool:
            assert self._process is None or self._process.poll() is None, f"it ended:\n{self.log[-3000:]}"
            try:
                return request(f"{url or self.url}/readyz?worker=1").status == 200
            except OSError:
                return False

        eventually(ready, f"the portal is ready; its log:\n{self.log[-3000:]}", seconds=seconds)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def processes(self, command: str = "") -> list[Process]:
        """Its processes that live, parents first; those whose command line holds ``command``."""
        found = sorted(living(self.mark), key=lambda process: process.pid)
        return [process for process in found if command in process.command]

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end and that of everything it started; returns the exit status."""
        assert self._process is not None
        status = self._process.wait(STOP_SECONDS)
        self._process = None
        eventually(lambda: not self.processes(), f"nothing is left: {self.processes()}", seconds=8)
        return status

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it as a user does; fails when a process is left behind. Returns the exit status."""
        self.send(number)
        return self.wait()

    def clean_up(self) -> None:
        """However the tests ended: leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        for process in self.processes():
            process.kill()
        if self._process is not None:
            self._process.wait()
            self._process = None

    # Calls

    def manage(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a manage.py command in the portal's environment."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=self.checkout, env=self.environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done

    @cached_property
    def token(self) -> str:
        """A management token of the staff account."""
        made = self.manage("create_access_token", "--email", STAFF_EMAIL, "--scopes", SCOPES)
        return made.stdout.strip()

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Without authentication; header names with underscores (``if_none_match="*"``)."""
        return request(self.url + path, method, None, _dashed(headers))

    def api(
        self, method: str, path: str, body: Any = None, *, url: str | None = None, **headers: str
    ) -> Answer:
        """Call ``/api/v1`` with the token; ``url`` names another web server of this portal."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return request(f"{url or self.url}/api/v1{path}", method, content, sent | _dashed(headers))

    def kids(self) -> list[str]:
        """Of the published signing keys."""
        return [key["kid"] for key in self.get("/.well-known/jwks.json").json()["keys"]]

    def issue(self, owner: "Owner", **members: Any) -> dict[str, Any]:
        """Issue a key; returns the answer, secret included."""
        answer = self.api("POST", "/keys", {**owner.body, "name": "test", **members})
        assert answer.status == 201, answer.body
        return dict(answer.json())

    def rotate_signing_key(self) -> None:
        """Rotate at once, and wait until every client that fetches sees the next staged key."""
        before = set(self.kids())
        self.manage("rotate_signing_key", "--now")
        eventually(lambda: set(self.kids()) != before, "the next staged key is published")

    def add_owner(self) -> "Owner":
        """A new customer with its first user."""
        name = uuid4().hex[:8]
        customer = self.api("POST", "/customers", {"name": name, "external_id": f"ext-{name}"})
        assert customer.status == 201, customer.body
        owner = Owner(customer.json()["id"], f"ext-{name}", f"{name}@example.com")
        path = f"/customers/{owner.customer}/users"
        assert self.api("POST", path, {"email": owner.user}).status == 201
        return owner


class Owner:
    """A customer by its id and external id, and its user by e-mail."""

    def __init__(self, customer: str, external_id: str, user: str) -> None:
        self.customer, self.external_id, self.user = customer, external_id, user

    @property
    def body(self) -> dict[str, str]:
        """What asks for a key of theirs."""
        return {"customer": self.customer, "user": self.user}


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
