"""How long it takes to issue a key over the API."""

import http.client
import json
import time

from bench.servers import manage, portal

KEYS = 200


def main(kind: str) -> None:
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
