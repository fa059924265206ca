"""Phone tokens beside the tutorial's own Flask service: what a CPU-second of the server buys."""

import itertools
import statistics
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.client import Answers, get_each
from bench.cpu import backends, cpu_seconds
from bench.servers import database, free_port, manage, running
from bench.service import environment

ROUNDS, TOKENS, CONNECTIONS = 5, 1500, 8


@dataclass(frozen=True)
class Service:
    """One of the two, and what it used of the processor in a round."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"


@dataclass(frozen=True)
class Round:
    answers: Answers
    cpu: float
    database_cpu: float
    """0 on SQLite, which runs inside the server, and where the database is on another machine."""

    @property
    def per_cpu_second(self) -> float:
        return len(self.answers.milliseconds) / self.cpu

    def __str__(self) -> str:
        of_database = f" + {self._ms(self.database_cpu)} PostgreSQL" if self.database_cpu else ""
        return (
            f"{self.per_cpu_second:5.0f} tokens per CPU-second ({self._ms(self.cpu)}{of_database} each), "
            f"{self.answers.per_second:4.0f}/s, p50 {self.answers.at(0.5):.1f} ms, "
            f"p95 {self.answers.at(0.95):.1f} ms"
        )

    def _ms(self, seconds: float) -> str:
        return f"{seconds * 1000 / len(self.answers.milliseconds):.2f} ms"


def main(kind: str) -> None:
    """Tokens per CPU-second of each server's processes, in turn, round by round, on one database.

    Ours checks the number and the xid, limits address and number across processes, seals the number
    and writes its line of the log; theirs limits the address in its own memory, and stores.
    """
    with database(kind) as url, services(url) as (ours, theirs):
        for service in (ours, theirs):  # connections, caches
            measured(url, service, TOKENS // 10)
        ratios = []
        for number in range(ROUNDS):
            here, there = measured(url, ours, TOKENS), measured(url, theirs, TOKENS)
            ratios.append(here.per_cpu_second / there.per_cpu_second)
            for service, found in ((ours, here), (theirs, there)):
                print(f"phone tokens on {kind}, round {number + 1}, {service.name:8} {found}")
            print(f"  ratio {ratios[-1]:.2f}", flush=True)
    print(
        f"phone tokens on {kind}: {statistics.median(ratios):.2f} × the tutorial's tokens per CPU-second, "
        f"least {min(ratios):.2f} ({ROUNDS} rounds of {TOKENS})"
    )


def measured(url: str, service: Service, tokens: int) -> Round:
    """Fetch that many tokens, each with a number and an xid of its own."""
    held = backends(url)
    before, before_in_database = cpu_seconds([service.process.pid]), cpu_seconds(held)
    answers = get_each(service.port, list(itertools.islice(_paths(), tokens)), connections=CONNECTIONS)
    return Round(
        answers,
        cpu_seconds([service.process.pid]) - before,
        cpu_seconds(backends(url)) - before_in_database,
    )


_numbers = itertools.count(2_000_000)


def _paths() -> Iterator[str]:
    for number in _numbers:
        yield f"/v1/token/1555{number:07}/{uuid.uuid4()}"


@contextmanager
def services(url: str) -> Iterator[tuple[Service, Service]]:
    """Ours and the tutorial's, a process with threads each, both storing in the database ``url``."""
    port, other = free_port(), free_port()
    environ = {**environment(url), "PORT": str(port)}
    manage(environ, "prepare")
    serve = [sys.executable, "manage.py", "serve", "--prepared", "--workers", "1", "--port", str(port)]
    gunicorn = [
        sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "16",
        "--keep-alive", "75", "--bind", f"127.0.0.1:{other}", "bench.tutorial_app:app",
    ]  # fmt: skip
    with (
        running(serve, port, environ, is_quiet=True) as ours,
        running(gunicorn, other, environ, is_quiet=True) as theirs,
    ):
        yield Service("ours", port, ours), Service("tutorial", other, theirs)
