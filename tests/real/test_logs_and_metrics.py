"""What a portal of several processes logs and counts, also when one of them is killed."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.database import fresh_database
from tests.real.portal import STAFF_PASSWORD, Portal
from tests.real.required import require_proc
from tests.real.waiting import eventually

ISSUED = 'latchkey_events_total{action="key.activated",process="web-1"}'
REQUESTS = (
    'latchkey_http_request_seconds_count{method="POST",process="web-1",route="api/v1/keys",status="2xx"}'
)
JWKS = 'latchkey_published_answers_total{document="jwks.json",process="web-1",status="200"}'


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    require_proc()
    folder = tmp_path_factory.mktemp("logs")
    with fresh_database(folder) as url:
        portal = Portal(
            folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD,
            PORTAL_VAR=str(folder / "var"), LOG_FORMAT="json", EMAIL_URL="dummymail://",
        )  # fmt: skip
        try:
            portal.manage("prepare")
            portal.manage("create_staff", "--email", "staff@localhost.localdomain")
            portal._process = portal.spawn(
                "serve", "--prepared", "--workers", "2", "--port", str(portal.port)
            )
            worker = portal.spawn("worker")
            portal.wait_ready()
            yield portal
            worker.terminate()
            assert worker.wait(25) == 0
            assert portal.stop() == 0, portal.log[-3000:]
        finally:
            portal.clean_up()


def measured(portal: Portal) -> dict[str, float]:
    """Sample with labels → value."""
    answer = portal.get("/metrics")
    assert answer.status == 200
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    names = [line.rpartition(" ")[0] for line in lines]
    assert sorted(set(names)) == sorted(names)  # nothing is told twice, whatever number of processes
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_counts_add_up_over_processes_and_outlive_one_that_is_killed(portal: Portal) -> None:
    owner = portal.add_owner()
    for _ in range(8):  # by whichever process takes it
        portal.issue(owner)
        portal.get("/.well-known/jwks.json")
    eventually(lambda: measured(portal).get(JWKS) == 8, "the JWKS' answers are handed over")
    assert (measured(portal)[ISSUED], measured(portal)[REQUESTS]) == (8, 8)

    server = next(process for process in portal.processes("manage.py serve"))
    children = [process for process in portal.processes() if process.parent == server.pid]
    assert len(children) == 2
    children[0].kill()

    def replaced() -> bool:
        now = {process.pid for process in portal.processes() if process.parent == server.pid}
        return len(now) == 2 and children[0].pid not in now

    eventually(replaced, "another process takes its place", seconds=20)
    portal.wait_ready()
    assert (measured(portal)[ISSUED], measured(portal)[REQUESTS]) == (8, 8)
    assert measured(portal)["latchkey_workers_seen"] == 1
    portal.issue(owner)
    assert (measured(portal)[ISSUED], measured(portal)[REQUESTS]) == (9, 9)


def test_a_proxied_request_needs_a_token(portal: Portal) -> None:
    assert portal.get("/metrics", x_forwarded_for="127.0.0.1").status == 401
    assert portal.get("/metrics", host="portal.example.com").status == 401
    made = portal.manage(
        "create_access_token", "--email", "staff@localhost.localdomain", "--scopes", "metrics:read"
    )
    token = made.stdout.strip()
    answer = portal.get("/metrics", x_forwarded_for="192.0.2.1", authorization=f"Bearer {token}")
    assert answer.status == 200


def test_every_line_is_json_of_granian_and_the_worker_too(portal: Portal) -> None:
    portal.get("/no/such/page", x_request_id="trace-7")
    secret = portal.issue(portal.add_owner())["secret"]
    eventually(lambda: "trace-7" in portal.log, "the line is there")
    lines = [json.loads(line) for line in portal.log.splitlines()]
    assert all({"event", "level", "timestamp", "logger"} <= line.keys() for line in lines)
    assert {"portal.http", "portal.worker"} <= {line["logger"] for line in lines}
    (line,) = [line for line in lines if line.get("request_id") == "trace-7"]
    assert (line["event"], line["route"], line["status"]) == ("http.request", "unmatched", 404)
    assert not [line for line in lines if "well-known" in str(line) or "readyz" in str(line)]
    assert secret not in portal.log
    assert portal.token not in portal.log
    asked = {line["request_id"] for line in lines if line.get("route") == "api/v1/keys"}
    done = {line["request_id"] for line in lines if line["event"] == "operation.succeeded"}
    assert done
    assert done <= asked  # a local plugin's run names the request that caused it


def test_a_restarted_server_says_so_and_counts_anew(portal: Portal) -> None:
    before = measured(portal)[ISSUED]
    assert before > 0
    portal.send(signal.SIGTERM)
    assert portal._process is not None
    assert portal._process.wait(25) == 0
    portal._process = portal.spawn("serve", "--prepared", "--workers", "2", "--port", str(portal.port))
    portal.wait_ready()
    assert measured(portal).get(ISSUED, 0) == 0


@pytest.mark.parametrize("blocks", ["var", "var/metrics"])
def test_where_nothing_can_be_written_the_start_stops(portal: Portal, tmp_path: Path, blocks: str) -> None:
    blocked = tmp_path / "var"
    (tmp_path / blocks).parent.mkdir(exist_ok=True)
    (tmp_path / blocks).write_text("a file, no folder")
    environ, portal.environ = portal.environ, {**portal.environ, "PORTAL_VAR": str(blocked)}
    try:
        done = portal.manage("serve", "--prepared", "--port", "1", check=False)
    finally:
        portal.environ = environ
    assert done.returncode == 1
    assert done.stderr.startswith("error: PORTAL_VAR")
    assert done.stderr.count("\n") == 1
