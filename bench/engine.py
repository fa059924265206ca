"""What the operations engine costs: an operation's overhead, an idle worker, a backlog, waiting POSTs."""

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import ROOT, database, free_port, manage, running

OPERATIONS, BACKLOG, RATE, IDLE_SECONDS, POSTS = 200, 1000, 50, 20, 200
TICKS = os.sysconf("SC_CLK_TCK")

Environ = dict[str, str]


def environment(url: str, **further: str) -> Environ:
    """A portal whose only plugin is ``instant``."""
    return {
        **os.environ, "PORTAL_ENV": "development", "DATABASE_URL": url, "LOG_LEVEL": "error",
        "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10,
        "PLUGIN_APIM_PROVIDER": "instant", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'bench/plugin'}",
        "LATCHKEY_STAFF_PASSWORD": "bench", **further,
    }  # fmt: skip


@contextmanager
def prepared(kind: str, **further: str) -> Iterator[Environ]:
    with database(kind) as url:
        environ = environment(url, **further)
        manage(environ, "prepare")
        yield environ


def inside(environ: Environ, task: str, *arguments: object) -> str:
    """Run a function of ``bench.engine_inside`` in a process of its own, within that portal."""
    command = [sys.executable, "-m", "bench.engine_inside", task, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def overhead(kind: str) -> None:
    """Milliseconds of a four-step operation at an instant provider, one after another."""
    with prepared(kind) as environ:
        inside(environ, "queue_keys", OPERATIONS)
        times = json.loads(inside(environ, "run_queued"))
    print(
        f"four-step operation on {kind}: median {statistics.median(times):.1f} ms, "
        f"p95 {sorted(times)[int(len(times) * 0.95)]:.1f} ms ({len(times)} operations)"
    )


def idle(kind: str) -> None:
    """Share of a core that a worker uses with nothing to do."""
    with prepared(kind) as environ, worker(environ) as process:
        time.sleep(6)  # what a start costs is no idling
        before = _cpu_seconds(process.pid)
        time.sleep(IDLE_SECONDS)
        used = _cpu_seconds(process.pid) - before
    print(f"idle worker on {kind}: {100 * used / IDLE_SECONDS:.2f} % of a core")


def backlog(kind: str) -> None:
    """How long a backlog takes under a rate limit, against the ideal."""
    with prepared(kind, PLUGIN_INSTANT_RATE=str(RATE)) as environ:
        inside(environ, "queue_provisioning", BACKLOG)
        with worker(environ):
            span = float(inside(environ, "seconds_to_drain"))
    ideal = BACKLOG / RATE
    print(f"backlog of {BACKLOG} at {RATE}/s on {kind}: {span:.1f} s, {span / ideal:.3f} of the ideal")


def waiting(kind: str) -> None:
    """Latency of the JWKS and of a page while POSTs wait for a worker that is not there."""
    port = free_port()
    with prepared(kind, PORT=str(port)) as environ:
        serve = [sys.executable, "manage.py", "serve", "--prepared", "--workers", "1", "--port", str(port)]
        manage(environ, "create_staff", "--email", "bench@example.com")
        scopes = "customers:write keys:write"
        token = manage(environ, "create_access_token", "--email", "bench@example.com", "--scopes", scopes)
        with running(serve, port, environ):
            quiet = _latencies(port)
            waiters = _post_and_wait(port, token)
            time.sleep(3)  # all have arrived
            busy = _latencies(port)
            for waiter in waiters:
                waiter.join()
    for path in quiet:
        print(
            f"{path} on {kind} while {POSTS} POSTs wait: "
            f"median {busy[path]:.1f} ms (nobody waiting: {quiet[path]:.1f} ms)"
        )


@contextmanager
def worker(environ: Environ) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environ)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _latencies(port: int) -> dict[str, float]:
    return {path: _median_ms(port, path) for path in ("/.well-known/jwks.json", "/accounts/login/")}


def _median_ms(port: int, path: str) -> float:
    times = []
    for _ in range(40):
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        connection.close()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _post_and_wait(port: int, token: str) -> list[threading.Thread]:
    """Start the POSTs; each asks to wait 20 s. Fails loudly when one is answered otherwise than 202."""
    headers = {
        "Authorization": f"Bearer {token}", "Content-Type": "application/json", "Prefer": "wait=20",
    }  # fmt: skip

    def post(path: str, body: object) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
        return connection.getresponse()

    customer = json.loads(post("/customers", {"name": "Bench"}).read())["id"]
    post(f"/customers/{customer}/users", {"email": "ada@example.com"}).read()

    def wait() -> None:
        answer = post("/keys", {"customer": customer, "user": "ada@example.com", "name": "bench"})
        if answer.status != 202:
            print(f"a waiting POST was answered {answer.status}: {answer.read()[:200]!r}")

    threads = [threading.Thread(target=wait) for _ in range(POSTS)]
    for thread in threads:
        thread.start()
    return threads


def main(kind: str) -> None:
    overhead(kind)
    idle(kind)
    backlog(kind)
    waiting(kind)
