"""``python -m tests.faults --kills N --database URL --seed S``: every fault, and the table of figures."""

import argparse
import faulthandler
import os
import random
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.faults.campaign import Campaign, Round
from tests.faults.checker import FIGURES
from tests.faults.stack import Stack
from tests.faults.table import FAULTS, Fault
from tests.faults.weather import disk_full, small_disk
from tests.real.database import fresh_database

SETTLED_WITHIN_SECONDS = 60
SHOWN = 30
"""So many findings of a round are printed."""
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
HEAD = ("fault", "kills", "freezes", *FIGURES, "for reconcile", "helped", "settled in")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=2000, help="in all, spread over the faults")
    parser.add_argument("--database", default="", help="a PostgreSQL server's URL; default: SQLite and it")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--fault", action="append", default=[], help="only the faults whose name has this")
    parser.add_argument("--folder", help="an empty folder: ledger, logs and database are left in it")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # leaves nothing behind
    faulthandler.register(signal.SIGUSR1)  # shows where it waits
    failed = False
    for url in databases(given.database, sqlite_alone=given.sqlite):
        failed |= _run(url, given.kills, given.seed, given.fault, given.folder)
    return int(failed)


def databases(asked: str, *, sqlite_alone: bool) -> list[str]:
    if asked or sqlite_alone:
        return [asked]
    server = os.environ.get("TEST_POSTGRES_URL", LOCAL)
    try:
        psycopg.connect(server, connect_timeout=3).close()
    except psycopg.OperationalError:
        print("PostgreSQL: skipped, no server answers (set TEST_POSTGRES_URL)")
        return [""]
    return ["", server]


def _run(server: str, kills: int, seed: int, only: list[str], kept: str | None) -> bool:
    """One campaign on one database, its table printed; True when it failed."""
    name = "PostgreSQL" if server else "SQLite"
    os.environ["TEST_DATABASE_URL"] = server
    print(f"== {name}, {kills} kills, seed {seed}", flush=True)
    with ExitStack() as cleaning:
        temporary = tempfile.TemporaryDirectory(prefix="latchkey-faults-")
        folder = Path(kept or cleaning.enter_context(temporary))
        faults = [fault for fault in FAULTS if not only or any(word in fault.name for word in only)]
        disk = folder / "disk"
        disk.mkdir()
        if server or os.geteuid() != 0:
            faults = [fault for fault in faults if fault.disturbance is not disk_full]
            print("disk full: skipped, it needs SQLite, and root for a small file system")
        else:
            cleaning.enter_context(small_disk(disk))
        url = cleaning.enter_context(fresh_database(disk))
        stack = Stack(folder, url)
        cleaning.callback(stack.close)
        stack.prepare()
        stack.start()
        campaign = Campaign(stack, seed=seed, customers=120)
        rounds = []
        _print(HEAD)
        for fault in faults:
            rounds.append(campaign.run(fault, -(-kills // len(faults))))
            _print(_cells(rounds[-1]))
        if not only:
            rounds.append(_rare(campaign))
            _print(_cells(rounds[-1]))
        return _verdict(campaign, rounds, checked_points=not only)


def _rare(campaign: Campaign) -> Round:
    """Fail points off the beaten track."""
    found = Round(Fault("schedule and commands"), kills=campaign.provoke())
    campaign.finish(found)
    return found


def _cells(round_: Round) -> tuple[object, ...]:
    return (
        round_.fault.name, round_.kills, round_.freezes, *round_.figures.values(),
        round_.left_for_reconcile, round_.helped, f"{round_.slowest_seconds:.1f} s",
    )  # fmt: skip


def _print(cells: tuple[object, ...]) -> None:
    first, *rest = cells
    print(f"{first!s:24}" + "".join(f"{cell!s:>12}" for cell in rest), flush=True)


def _verdict(campaign: Campaign, rounds: list[Round], *, checked_points: bool) -> bool:
    failed = False
    for round_ in rounds:
        failed |= bool(round_.findings)
        for finding in sorted(round_.findings, key=str)[:SHOWN]:
            print(f"{round_.fault.name}: {finding.figure}: {finding.id}: {finding.what}")
        if round_.slowest_seconds > SETTLED_WITHIN_SECONDS:
            failed = True
            print(f"{round_.fault.name}: settled only after {round_.slowest_seconds:.0f} s")
    if checked_points and campaign.unhit:
        failed = True
        print(f"nobody was killed at: {', '.join(campaign.unhit)}")
    hits = campaign.kills_by_point
    print("kills by point: " + ", ".join(f"{point} {hits[point]}" for point in sorted(hits)))
    return failed


if __name__ == "__main__":
    sys.exit(main())
