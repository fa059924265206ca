"""A thousand keys at once at a tenant whose rate limit makes the ideal a minute."""

import tempfile
import time
from pathlib import Path

from bench.engine import inside, prepared, worker
from tests.fakes.auth0.process import Auth0Process

CUSTOMERS, KEYS_EACH = 100, 10
CALLS_A_CUSTOMER, CALLS_A_KEY = 6, 3
IDEAL_SECONDS = 60
RATE = (CUSTOMERS * (CALLS_A_CUSTOMER + KEYS_EACH * CALLS_A_KEY)) // IDEAL_SECONDS
"""Calls a second; the tenant answers 429 to whatever is faster than a burst of as many."""


def main(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Auth0Process(Path(folder)) as tenant:
        tenant.set_faults(rate_per_second=RATE, rate_burst=RATE)
        settings = {**tenant.settings, "PLUGIN_AUTH0_M2M_RATE_PLAN": f"{RATE}/s"}
        with prepared(kind, PLUGIN_APIM_PROVIDER="auth0-m2m", **settings) as environ:
            inside(environ, "queue_keys", CUSTOMERS, KEYS_EACH)
            began_at = time.monotonic()
            with worker(environ):
                inside(environ, "seconds_to_drain")
            span = time.monotonic() - began_at
        counts, made = tenant.counts(), len(list(tenant.truth().credentials()))
    print(
        f"{made} Auth0 keys at {RATE} calls/s on {kind}: {span:.1f} s from the worker's start, "
        f"{span / (counts['requests'] / RATE):.2f} of the ideal for {counts['requests']} calls; "
        f"answered 429: {counts.get('violations', 0)}, too early after one: {counts.get('early', 0)}"
    )
