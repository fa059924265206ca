"""``make test``: the suite on SQLite and, beside it, on PostgreSQL; one that is missing is said or, required, fails.

Much of the suite waits for processes, so both take little longer together than one alone. What
PostgreSQL's run printed comes after SQLite's.
"""

import os
import subprocess
import sys
import tempfile

import psycopg

LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
# Two suites full of processes on a few shared cores: where everything runs, a test that another process
# starved gets a second try, which is printed as a rerun. What a campaign found, and the tests of
# concurrency (tests/concurrency/conftest.py), get none: there a second try would hide what they look for.
SECOND_TRY = ["--reruns", "1", "--rerun-except", "Findings"] if REQUIRE_ALL else []
PYTEST = [sys.executable, "-m", "pytest", *SECOND_TRY]


def main() -> int:
    url, extra = os.environ.get("TEST_POSTGRES_URL", LOCAL), sys.argv[1:]
    if not answers(url):
        failed = subprocess.call([*PYTEST, *extra])
        print(f"PostgreSQL: skipped, no server answers (set TEST_POSTGRES_URL; tried {LOCAL})", flush=True)
        return failed or int(REQUIRE_ALL)
    with tempfile.TemporaryFile() as printed:
        beside = [*PYTEST, "-p", "no:cacheprovider", "-m", "not once", *extra]
        environ = {**os.environ, "TEST_DATABASE_URL": url}
        with subprocess.Popen(beside, env=environ, stdout=printed, stderr=printed) as postgresql:
            print("== SQLite", flush=True)
            failed = subprocess.call([*PYTEST, *extra])
            postgresql.wait()
        print("== PostgreSQL", flush=True)
        printed.seek(0)
        sys.stdout.buffer.write(printed.read())
        sys.stdout.flush()
    return failed or postgresql.returncode


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
