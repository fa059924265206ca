"""A portal as docs/production.md installs it, in folders of a test's own; runs what that page tells to type."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.docs.pages import block
from tests.real.http_calls import Answer
from tests.real.portal import CHECKOUT, Owner, Portal
from tests.real.waiting import eventually

PAGE = "docs/production.md"
STAFF = "you@example.com"


class ProductionPortal(Portal):
    """Web of two processes and two workers under production's settings, reached as through a proxy."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder)
        self.etc, self.backups = folder / "etc", folder / "backups"
        home, self._bin = folder / "home", folder / "bin"
        for path in (self.etc, self.backups, home / ".venv/bin", self._bin):
            path.mkdir(parents=True)
        (home / "manage.py").symlink_to(CHECKOUT / "manage.py")
        python = home / ".venv/bin/python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (self._bin / "latchkey").symlink_to(CHECKOUT / "deploy/latchkey")
        secrets = {
            "secret_key": "secret-" * 8, "sealing_keys": "first-sealing-key-" * 3,
            "database_url": database_url, "email_url": "smtp://127.0.0.1:1",
        }  # fmt: skip
        for name, value in secrets.items():
            (self.etc / name).write_text(value + "\n")
        lines = (CHECKOUT / "deploy/portal.env").read_text()
        lines = lines.replace("https://portal.example.com", "https://127.0.0.1")
        lines = lines.replace("/var/lib/latchkey", str(folder / "var")).replace(
            "/etc/latchkey", str(self.etc)
        )
        (self.etc / "portal.env").write_text(lines)
        settings = dict(re.findall(r"^([A-Z_]+)=(.*)$", lines, re.MULTILINE))
        kept = {
            name: value
            for name, value in self.environ.items()
            if not name.startswith(("PORTAL_", "SIGNING_"))
        }
        self.environ = {
            **kept, **settings, "LATCHKEY_ENV": str(self.etc / "portal.env"), "LATCHKEY_HOME": str(home),
        }  # fmt: skip
        self.environ["PATH"] = f"{self._bin}:{self.environ['PATH']}"
        self._workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> "ProductionPortal":
        self._process = self.spawn("serve", "--workers", "2")
        self._workers = [self.spawn("worker") for _ in range(2)]
        self.wait_ready()
        eventually(lambda: self._workers_seen() == 2, "both workers are seen")
        return self

    def _workers_seen(self) -> float:
        text = self.get("/metrics").body.decode()
        return float(re.findall(r"^latchkey_workers_seen (\S+)$", text, re.MULTILINE)[0])

    def stop(self, number: int = 0) -> int:
        for worker in self._workers:
            worker.terminate()
        assert [worker.wait(25) for worker in self._workers] == [0, 0]
        self._workers = []
        return super().stop()

    def clean_up(self) -> None:
        super().clean_up()
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._workers = []

    def restart(self) -> None:
        assert self.stop() == 0
        self.start()

    def api(
        self, method: str, path: str, body: object = None, *, url: str | None = None, **headers: str
    ) -> Answer:
        proxied = {"x_forwarded_proto": "https", "x_forwarded_for": "192.0.2.1"}
        return super().api(method, path, body, url=url, **proxied, **headers)

    def accepts(self, secret: str) -> bool:
        """Whether a gateway that asks is told that the key is good."""
        sent = {"x_forwarded_proto": "https", "authorization": f"Bearer {secret}"}
        return self.get("/api/v1/verify", **sent).status == 204

    def issue_once(self, owner: Owner, name: str) -> dict[str, str]:
        answer = self.api("POST", "/keys", {**owner.body, "name": name}, idempotency_key=name)
        assert answer.status == 201, answer.body
        return dict(answer.json())

    def type(self, holding: str, *, only: str = "", **replaced: str) -> str:
        """Run the page's block with that text, or its lines with ``only``, as the page stands."""
        text = block(PAGE, "sh", holding)
        lines = [line for line in text.splitlines() if only in line]
        assert lines, f"no line of the block has {only!r}"
        return self.run_shell("\n".join(lines), **replaced)

    def run_shell(self, text: str, **replaced: str) -> str:
        text = re.sub(r"sudo -u (latchkey|postgres) ", "", text).replace("--owner=portal ", "")
        text = text.replace("/etc/latchkey/", f"{self.etc}/").replace(
            "/var/backups/latchkey", str(self.backups)
        )
        for old, new in replaced.items():
            text = text.replace(old, new)
        server = urlsplit((self.etc / "database_url").read_text().strip())
        known = {
            "PGHOST": server.hostname or "",
            "PGPORT": str(server.port or 5432),
            "PGUSER": server.username or "",
        }
        if server.password:
            known["PGPASSWORD"] = server.password
        done = subprocess.run(
            ["sh", "-eu", "-c", text],
            env={**self.environ, **known}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout
