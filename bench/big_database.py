"""A PostgreSQL database of ``bench.scale``'s, dropped at the end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.servers import ROOT, manage


@contextmanager
def big_database(customers: int) -> Iterator[dict[str, str]]:
    """The environment of a portal with that many customers.

    Its collation is a language's, not C: there an index serves beginnings of names only if it
    was made for them. ``BENCH_KEEP=1`` leaves the database for the next time, under a name by size.
    """
    url = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    keep = os.environ.get("BENCH_KEEP") == "1"
    name = f"latchkey_bench_{customers}" + ("" if keep else f"_{os.getpid()}")
    environ = {
        "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10, **os.environ,
        "PORTAL_ENV": "development", "LOG_LEVEL": "error",
        "DATABASE_URL": url.rsplit("/", 1)[0] + f"/{name}",
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            server.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'".encode()
            )
    try:
        if found is None:
            manage(environ, "prepare")
            print(f"filling a database with {customers:,} customers …", file=sys.stderr, flush=True)
            load = [sys.executable, "-m", "bench.bulk_load", str(customers)]
            subprocess.run(load, cwd=ROOT, env=environ, check=True)
        else:
            manage(environ, "prepare")  # migrations that came since
        yield environ
    finally:
        if not keep:
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
