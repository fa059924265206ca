"""Prints the figures: JWKS beside a bare WSGI app, and how long a key takes on both databases."""

import http.client
import json
import statistics
import time

from bench.client import get_load
from bench.servers import bare, manage, portal

ROUNDS, SECONDS, KEYS = 5, 2.0, 200


def jwks() -> None:
    """Requests per second in turn, round by round, so that a drifting machine hits both."""
    ratios = []
    with portal("sqlite") as (port, _), bare() as bare_port:
        for path, at in (("/.well-known/jwks.json", port), ("/", bare_port)):
            get_load(at, path, seconds=0.5)
        for number in range(ROUNDS):
            ours = get_load(port, "/.well-known/jwks.json", seconds=SECONDS).per_second
            least = get_load(bare_port, "/", seconds=SECONDS).per_second
            ratios.append(ours / least)
            print(
                f"jwks round {number + 1}: {ours:8.0f}/s  bare WSGI {least:8.0f}/s  ratio {ours / least:.2f}"
            )
    print(f"jwks / bare WSGI: median ratio {statistics.median(ratios):.2f}")


def keys(kind: str) -> None:
    """Milliseconds of POST /api/v1/keys, one after another on one connection."""
    with portal(kind) as (port, environ):
        manage(environ, "create_staff", "--email", "bench@example.com")
        token = manage(
            environ, "create_access_token", "--email", "bench@example.com",
            "--scopes", "customers:write keys:write keys:read",
        )  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def post(path: str, body: object) -> dict[str, object]:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != 201:
                raise RuntimeError(f"{answer.status} {data[:300]!r}")
            return dict(json.loads(data))

        customer = post("/customers", {"name": "Bench"})["id"]
        post(f"/customers/{customer}/users", {"email": "ada@example.com"})
        body = {"customer": customer, "user": "ada@example.com", "name": "bench"}
        for _ in range(20):
            post("/keys", body)
        times = []
        for _ in range(KEYS):
            started = time.perf_counter()
            post("/keys", body)
            times.append((time.perf_counter() - started) * 1000)
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"POST /api/v1/keys on {kind}: p50 {p50:.1f} ms, p95 {p95:.1f} ms ({KEYS} keys)")


if __name__ == "__main__":
    jwks()
    for kind in ("sqlite", "postgresql"):
        try:
            keys(kind)
        except OSError as exc:
            print(f"{kind}: skipped, {type(exc).__name__}")
