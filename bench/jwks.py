"""The JWKS beside the least that a WSGI application can do."""

import statistics

from bench.client import get_load
from bench.servers import bare, portal

ROUNDS, SECONDS = 5, 2.0


def main() -> None:
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
