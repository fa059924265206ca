"""``make test``: the suite on SQLite, then on PostgreSQL; one that is missing is said or, required, fails."""

import os
import subprocess
import sys

import psycopg

LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    required = os.environ.get("REQUIRE_ALL") == "1"
    extra = sys.argv[1:]
    print("== SQLite", flush=True)
    if failed := subprocess.call([sys.executable, "-m", "pytest", *extra]):
        return failed
    url = os.environ.get("TEST_POSTGRES_URL", LOCAL)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        print(f"PostgreSQL: skipped, no server answers (set TEST_POSTGRES_URL; tried {LOCAL})", flush=True)
        return int(required)
    print("== PostgreSQL", flush=True)
    environ = {**os.environ, "TEST_DATABASE_URL": url}
    return subprocess.call([sys.executable, "-m", "pytest", "-m", "not once", *extra], env=environ)


if __name__ == "__main__":
    sys.exit(main())
