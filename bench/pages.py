"""How long a customer's pages take in a portal with 100,000 customers, for one who has thousands of keys.

``python -m bench.pages`` is the process that answers: requests by Django's test client, everything
but the socket, as the owner of the customer with the most keys.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.big_database import big_database
from bench.servers import ROOT, manage

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "100000"))
ROUNDS = 40
PATHS = (
    "/dashboard", "/keys", "/keys?status=active", "/keys?search=maps", "/keys/new", "/keys/{key}", "/team",
    "/plans", "/activity", "/docs", "/settings", "/settings/security", "/settings/notifications",
    "/settings/tokens", "/settings/data",
)  # fmt: skip


def main(kind: str) -> None:
    """Prints median and 95th percentile of each page in milliseconds, and its queries."""
    database = big_database(CUSTOMERS) if kind == "postgresql" else _sqlite(CUSTOMERS)
    with database as environ:
        done = subprocess.run(
            [sys.executable, "-m", "bench.pages"],
            cwd=ROOT, env=environ, check=True, capture_output=True, text=True,
        )  # fmt: skip
    print(f"pages on {kind}, {CUSTOMERS:,} customers ({ROUNDS} times each):")
    for page in json.loads(done.stdout.splitlines()[-1]):
        took = f"p50 {page['p50']:6.1f} ms  p95 {page['p95']:6.1f} ms"
        print(f"  {page['path']:26} {took}  {page['queries']} queries")


@contextmanager
def _sqlite(customers: int) -> Iterator[dict[str, str]]:
    with TemporaryDirectory() as folder:
        environ = {
            "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10, **os.environ,
            "PORTAL_ENV": "development", "LOG_LEVEL": "error",
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'db.sqlite3'}",
        }  # fmt: skip
        manage(environ, "prepare")
        load = [sys.executable, "-m", "bench.bulk_load", str(customers)]
        subprocess.run(load, cwd=ROOT, env=environ, check=True)
        yield environ


def answer_all() -> list[dict[str, object]]:
    """Ask for every page in turn, round by round; the first round fills caches and isn't counted."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.db.models import Count
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from portal.models import Customer, IssuedKey, Membership

    active = Customer.objects.filter(status="active", pk__lte=5)
    heavy = active.annotate(count=Count("keys")).order_by("-count")[0]
    key = IssuedKey.objects.filter(customer=heavy, status="active").order_by("id")[0]
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    owner = Membership.objects.get(customer=heavy, role="owner").user
    client.force_login(owner, backend=settings.AUTHENTICATION_BACKENDS[0])
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    queries: dict[str, int] = {}
    for number in range(ROUNDS + 1):
        for path in PATHS:
            at = path.format(key=key.public_id)
            started = time.perf_counter()
            if number:
                answer = client.get(at)
                times[path].append((time.perf_counter() - started) * 1000)
            else:
                client.get(at)  # which notes the session, and what is read once a process
                with CaptureQueriesContext(connection) as asked:
                    answer = client.get(at)
                queries[path] = len(asked)
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code} {at}: {answer.content[:300]!r}")
    return [
        {"path": path, "p50": statistics.median(found), "p95": statistics.quantiles(found, n=20)[-1],
         "queries": queries[path]}
        for path, found in times.items()
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(answer_all()))
