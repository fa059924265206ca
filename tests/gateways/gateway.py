"""A real gateway in a process of its own, configured from its recipe."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.core.recipes import Values, recipe_named
from tests.real.http_calls import Answer, request
from tests.real.waiting import eventually

SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"
"""Where recipes look for authorities; tests put the issuer's in its place."""
LISTEN, YOUR_API = "127.0.0.1:8000", "127.0.0.1:8080"
"""Where a recipe's gateway listens, and the API behind it."""
START_SECONDS = 60


@dataclass
class Gateway:
    """One that listens on ``port``."""

    port: int
    log: Path
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    environ: dict[str, str] = field(default_factory=dict)

    def call(self, token: str | None, path: str = "/orders", **headers: str) -> Answer:
        """Call the API through it; header names with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return request(f"http://127.0.0.1:{self.port}{path}", headers=sent)

    def reached(self, token: str, **headers: str) -> dict[str, Any]:
        """The headers that reached the API, whose answer has to be 200."""
        answer = self.call(token, **headers)
        assert answer.status == 200, (answer.status, answer.body, self.log.read_text()[-3000:])
        return dict(answer.json()["headers"])


def configured(
    name: str, folder: Path, values: Values, *, upstream: str, ca_file: Path, port: int,
    replaced: Mapping[str, str] | None = None,
) -> Path:  # fmt: skip
    """Write the recipe's files into ``folder``, with the test's addresses and authority in them.

    ``replaced`` is what else differs on a test's machine; every string has to be there.
    """
    addresses = {LISTEN: f"127.0.0.1:{port}", YOUR_API: upstream, SYSTEM_CAS: str(ca_file)}
    texts = recipe_named(name).filled(values)
    for old in replaced or {}:
        assert any(old in text for text in texts.values()), f"no file of {name} has {old!r}"
    for file, content in texts.items():
        text = content
        for old, new in {**addresses, **(replaced or {})}.items():
            text = text.replace(old, new)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@contextmanager
def running(
    command: Sequence[str | Path], *, folder: Path, port: int, environ: Mapping[str, str] | None = None
) -> Iterator[Gateway]:
    """Start it in ``folder``, wait until it listens, end it and what it started."""
    log = folder / "gateway.log"
    settings = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), **(environ or {})}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=settings, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    gateway = Gateway(port, log, folder, process, settings)
    try:
        eventually(lambda: _listens(gateway), f"{command[0]} listens", seconds=START_SECONDS)
        yield gateway
    finally:
        _end(process)


def _listens(gateway: Gateway) -> bool:
    assert gateway.process is not None
    assert gateway.process.poll() is None, f"it ended:\n{gateway.log.read_text()[-3000:]}"
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", gateway.port)) == 0


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Its whole process group: masters have workers."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait(10)
