"""How long ``/api/v1/verify`` takes, beside the least that the same server can answer."""

import http.client
import json
import statistics
import time

from bench.servers import bare, manage, portal

CUSTOMERS, KEYS = 20, 200
ROUNDS, ASKED = 5, 400


def main(kind: str) -> None:
    """Milliseconds of GET /api/v1/verify by one caller on one connection, with keys in turn.

    Round by round with a bare WSGI application on the same server, so that a drifting machine hits both.
    """
    medians, ratios = [], []
    with portal(kind) as (port, environ), bare() as bare_port:
        secrets = _issued(port, environ)
        for number in range(-1, ROUNDS):
            ours = _timed(
                port, "/api/v1/verify", [{"Authorization": f"Bearer {key}"} for key in secrets], 204
            )
            least = _timed(bare_port, "/", [{}], 200)
            if number < 0:  # connections, caches: not what a gateway meets
                continue
            medians.append(statistics.median(ours))
            ratios.append(medians[-1] / statistics.median(least))
            print(
                f"verify on {kind}, round {number + 1}: p50 {medians[-1]:.2f} ms, "
                f"p95 {ours[int(len(ours) * 0.95)]:.2f} ms; bare WSGI p50 {statistics.median(least):.2f} ms"
            )
    print(
        f"GET /api/v1/verify on {kind}: p50 {statistics.median(medians):.2f} ms, "
        f"{statistics.median(ratios):.0f} × bare WSGI ({len(secrets)} keys)"
    )


def _issued(port: int, environ: dict[str, str]) -> list[str]:
    """The secrets of new keys of several customers."""
    manage(environ, "create_staff", "--email", "bench@example.com")
    token = manage(
        environ,
        "create_access_token",
        "--email",
        "bench@example.com",
        "--scopes",
        "customers:write keys:write",
    )
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(path: str, body: object) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {data[:300]!r}")
        return dict(json.loads(data))

    secrets = []
    for number in range(CUSTOMERS):
        customer, email = post("/customers", {"name": f"Bench {number}"})["id"], f"ada{number}@example.com"
        post(f"/customers/{customer}/users", {"email": email})
        body = {"customer": customer, "user": email, "name": "bench"}
        secrets += [post("/keys", body)["secret"] for _ in range(KEYS // CUSTOMERS)]
    return secrets


def _timed(port: int, path: str, headers: list[dict[str, str]], wanted: int) -> list[float]:
    """Milliseconds of each answer, shortest first; one connection, the headers in turn."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for number in range(ASKED):
        began_at = time.perf_counter()
        connection.request("GET", path, headers=headers[number % len(headers)])
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began_at) * 1000)
        if answer.status != wanted:
            raise RuntimeError(f"{path}: {answer.status}")
    connection.close()
    return sorted(times)
