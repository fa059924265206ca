"""What processes have used of the processors, from Linux's /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(processes: Iterable[int]) -> float:
    """User and system time of these processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # After the name, which may hold anything: state, parent, …, user and system time (proc(5)).
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        children.setdefault(int(fields[1]), []).append(int(folder.name))
        used[int(folder.name)] = int(fields[11]) + int(fields[12])
    wanted, total = list(processes), 0
    while wanted:
        process = wanted.pop()
        total += used.get(process, 0)
        wanted += children.get(process, [])
    return total / TICKS


def backends(url: str) -> list[int]:
    """The PostgreSQL processes that serve this database; none of SQLite's, or on another machine."""
    if not url.startswith("postgres"):
        return []
    with psycopg.connect(url) as server:
        if server.info.host not in ("127.0.0.1", "localhost", "::1"):
            return []
        found = server.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found]
