"""``make test``: the suite on SQLite and PostgreSQL side by side; one that is missing is said, or required fails.

What does not depend on the database runs once, beside both. Much of the suite waits for processes, so
all three take little longer together than one alone. The first prints as it goes, the others when it has ended.
"""

import os
import subprocess
import sys
import tempfile
from typing import IO

import psycopg

LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
# Three suites full of processes on a few shared cores: where everything runs, a test that another process
# starved gets a second try, which is printed as a rerun. What a campaign found, and the tests of
# concurrency (tests/concurrency/conftest.py), get none: there a second try would hide what they look for.
SECOND_TRY = ["-rR", "--reruns", "1", "--rerun-except", "Findings"] if REQUIRE_ALL else []
PYTEST = [sys.executable, "-m", "pytest", *SECOND_TRY]
NO_TESTS_COLLECTED = 5


class Beside:
    """A round that runs beside the first; what it prints is kept until it has ended."""

    def __init__(self, title: str, only: str, extra: list[str], **environ: str) -> None:
        self._title = title
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - finish() closes it
        command = [*PYTEST, "-p", "no:cacheprovider", "-m", only, *extra]
        settings = {**os.environ, **environ}
        self._process = subprocess.Popen(command, env=settings, stdout=self._printed, stderr=self._printed)

    def finish(self) -> int:
        """Wait, print, and return the exit status."""
        status = self._process.wait()
        print(f"== {self._title}", flush=True)
        self._printed.seek(0)
        sys.stdout.buffer.write(self._printed.read())
        sys.stdout.flush()
        self._printed.close()
        return status


def main() -> int:
    url, extra = os.environ.get("TEST_POSTGRES_URL", LOCAL), sys.argv[1:]
    has_postgresql = answers(url)
    rounds = [Beside("whatever the database", "once", extra)]
    if has_postgresql:
        rounds.append(Beside("PostgreSQL", "not once", extra, TEST_DATABASE_URL=url))
    print("== SQLite", flush=True)
    statuses = [subprocess.call([*PYTEST, "-m", "not once", *extra]), *(beside.finish() for beside in rounds)]
    if not has_postgresql:
        where = (
            "at TEST_POSTGRES_URL" if "TEST_POSTGRES_URL" in os.environ else f"(TEST_POSTGRES_URL; {LOCAL})"
        )
        print(f"PostgreSQL: skipped, no server answers {where}", flush=True)
    # One file or folder may have tests of one kind only.
    failed = any(status not in (0, NO_TESTS_COLLECTED) for status in statuses) or 0 not in statuses
    return int(failed or (REQUIRE_ALL and not has_postgresql))


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
