"""The whole thing as processes: providers, web server, workers; killed and started again."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.orders import Hit, Orders
from tests.faults.providers import Providers
from tests.faults.rows import Rows
from tests.real.http_calls import request
from tests.real.portal import CHECKOUT, STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.processes import Process
from tests.real.waiting import eventually

SCOPES = (
    "customers:read customers:write keys:read keys:write operations:read operations:write "
    "provision:write tokens:introspect plans:read plans:write access_tokens:write"
)
FAULTS = Path(__file__).parent


class Stack:
    """One portal with its providers, on the database ``url``, all its files in ``folder``."""

    def __init__(
        self, folder: Path, url: str, *, workers: int = 4, threads: int = 2, broken: str = ""
    ) -> None:
        self.orders = Orders(folder / "orders")
        self.providers = Providers(folder)
        self.rows = Rows(url)
        self.frozen: set[int] = set()
        """Processes that were put to sleep."""
        self._size = (str(workers), str(threads))
        self._log = folder / "workers.log"
        self._web: subprocess.Popen[bytes] | None = None
        self._workers: subprocess.Popen[bytes] | None = None
        self.portal = Portal(folder)
        self.portal.environ.update(
            DATABASE_URL=url,
            SECRET_KEY=secrets.token_urlsafe(40),
            PORTAL_SEALING_KEYS=secrets.token_urlsafe(40),
            LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD,
            PLUGIN_APIM_PROVIDER=",".join(["jwt", *self.providers.weights]),
            PYTHONPATH=":".join(map(str, (FAULTS / "site", FAULTS.parent / "fakes" / "plugin", CHECKOUT))),
            LATCHKEY_FAULT_ORDERS=str(self.orders.folder),
            LATCHKEY_FAULT_ROLE="command",
            LATCHKEY_FAULT_CLOCK="1",
            LATCHKEY_BROKEN=broken,
            LOG_LEVEL="info",
            **self.providers.settings,
        )

    def prepare(self) -> None:
        """Migrate, make the staff account and the token that the clients use."""
        self.portal.manage("prepare", "--verbosity", "0")
        self.portal.manage("create_staff", "--email", STAFF_EMAIL)
        made = self.portal.manage("create_access_token", "--email", STAFF_EMAIL, "--scopes", SCOPES)
        self.portal.__dict__["token"] = made.stdout.strip()

    def prepare_like(self, other: "Stack") -> None:
        """Begin with a copy of what another stack on SQLite prepared, its secrets and token included."""
        shutil.copyfile(urlsplit(other.rows.url).path, urlsplit(self.rows.url).path)
        for name in ("SECRET_KEY", "PORTAL_SEALING_KEYS"):
            self.portal.environ[name] = other.portal.environ[name]
        self.portal.__dict__["token"] = other.portal.token

    def start(self) -> None:
        """Start web server and workers; returns when the web server answers."""
        self._start_web()
        self.portal.environ["LATCHKEY_FAULT_ROLE"] = "worker"
        with self._log.open("ab") as log:
            self._workers = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.fork_server", *self._size],
                cwd=CHECKOUT, env=self.portal.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.portal.environ["LATCHKEY_FAULT_ROLE"] = "command"
        eventually(self._answers, f"it answers; its log: {self.log}", seconds=60)

    def keep_web(self) -> None:
        """Start the web server again when it has given up, as an init system does."""
        if self._web is not None and self._web.poll() is not None:
            self._start_web()

    def kill_all(self) -> None:
        """SIGKILL every process of the portal at once; frozen ones too."""
        for main in (self._web, self._workers):
            if main is not None:
                main.kill()
                main.wait()
        # What they forked in their last moment is found at a second look.
        eventually(self._none_is_left, "all are dead", seconds=30)
        self._web = self._workers = None
        self.frozen.clear()

    def freeze(self, hit: Hit) -> None:
        """Stop the process that waits at a fail point.

        Not while another of its threads holds SQLite's lock: that would be an outage, another fault.
        """
        with self.rows.nobody_writes(), suppress(ProcessLookupError):
            os.kill(hit.pid, signal.SIGSTOP)
        self.frozen.add(hit.pid)

    def wake(self, hit: Hit) -> None:
        self.orders.wake(hit)
        self.frozen.discard(hit.pid)

    def worker_processes(self) -> list[Process]:
        """The forked workers that live now and are awake."""
        assert self._workers is not None
        found = self.portal.processes("fork_server")
        return [p for p in found if p.parent == self._workers.pid and p.pid not in self.frozen]

    def web_processes(self) -> list[Process]:
        """Those that answer requests; the main one replaces them."""
        assert self._web is not None
        return [p for p in self.portal.processes("serve") if p.parent == self._web.pid]

    def close(self) -> None:
        self.kill_all()
        self.providers.close()

    def _none_is_left(self) -> bool:
        left = self.portal.processes()
        for process in left:
            with suppress(ProcessLookupError):
                process.kill()
        return not left

    def _start_web(self) -> None:
        self.portal.environ["LATCHKEY_FAULT_ROLE"] = "web"
        self._web = self.portal.spawn(
            "serve", "--prepared", "--workers", "2", "--port", str(self.portal.port)
        )
        self.portal.environ["LATCHKEY_FAULT_ROLE"] = "command"

    @property
    def worker_log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def log(self) -> str:
        """The end of what the processes wrote."""
        return f"{self.portal.log[-3000:]}\n-- workers:\n{self.worker_log[-3000:]}"

    def _answers(self) -> bool:
        assert self._web is not None
        assert self._workers is not None
        assert self._web.poll() is None, f"the web server ended:\n{self.log}"
        assert self._workers.poll() is None, f"the workers ended:\n{self.log}"
        try:
            return request(f"{self.portal.url}/readyz").status == 200
        except OSError:
            return False
