"""How long the admin's pages and the API's lists take at 10,000 customers and at 1,000,000.

Two databases on one PostgreSQL server, each with a process that answers requests with Django's
test client: everything but the socket. They are asked in turn, round by round, so that a drifting
machine hits both. Every statement's time is taken around the driver's call.
"""

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

from bench.big_database import big_database
from bench.servers import ROOT

ROUNDS, TRIES = 7, 3
"""A page that seems too slow is measured again: the machine has other things to do."""
MOST_RATIO, MOST_QUERY_MS = 1.5, 100.0
KNOWN = {"API keys expired"}
"""Newest first by id, and of the keys of the last month none has expired: they are passed over."""


def main() -> None:
    """Prints a line a page; ends with status 1 when one is slower than promised."""
    small_size, big_size = (int(size) for size in os.environ.get("BENCH_SIZES", "10000,1000000").split(","))
    with ExitStack() as stack:
        small, big = (
            stack.enter_context(Pages(stack.enter_context(big_database(size))))
            for size in (small_size, big_size)
        )
        print(
            f"{'page':44} {small_size:>10,} {big_size:>10,}  ratio  slowest query ({ROUNDS} rounds, medians)"
        )
        failed = [label for label in small.labels if not _compared(label, small, big) and label not in KNOWN]
    if failed:
        raise SystemExit(f"slower than {MOST_RATIO} × or {MOST_QUERY_MS:.0f} ms a query: {', '.join(failed)}")


def _compared(label: str, small: "Pages", big: "Pages") -> bool:
    for pages in (small, big):
        pages.ask(label)  # the first one fills caches
    return any(_measured(label, small, big) for _ in range(TRIES))


def _measured(label: str, small: "Pages", big: "Pages") -> bool:
    answers = [(small.ask(label), big.ask(label)) for _ in range(ROUNDS)]
    before, after = (statistics.median(pair[side]["ms"] for pair in answers) for side in (0, 1))
    # The median round, so that a neighbour's pause isn't taken for a slow statement.
    worst = sorted((pair[1] for pair in answers), key=lambda answer: answer["slowest"])[ROUNDS // 2]
    well = after <= MOST_RATIO * before and worst["slowest"] <= MOST_QUERY_MS
    why = "" if well else f"  ← {worst['sql'][:150]}"
    print(
        f"{label:44} {before:7.1f} ms {after:7.1f} ms  {after / before:5.2f}"
        f"  {worst['slowest']:6.1f} ms of {worst['queries']}{why}",
        flush=True,
    )
    return well


class Pages:
    """A process that answers requests from one database."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.page_times"],
            cwd=ROOT, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.labels: list[str] = self._read()

    def __enter__(self) -> "Pages":
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def ask(self, label: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(label, file=self._process.stdin, flush=True)
        return dict(self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that answers requests ended; see its message above")
        return json.loads(line)


if __name__ == "__main__":
    main()
