"""Phone tokens at 10,000 records and at 10,000,000: storing, finding, listing and purging take as long.

``BENCH_TOKENS=10000,1000000`` measures other sizes. PostgreSQL needs 6 GB for ten million, SQLite 5 GB.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.bulk_load import one_transaction, told, without_indexes
from bench.scale import POSTGRESQL, SQLITE, Dialect
from bench.servers import ROOT, database, manage
from bench.service import environment

EXPIRED, REPEATS = 2_000, 40
RETENTION_SECONDS = 30 * 86_400
HEAVY_SHARE = 100
"""One in so many records belongs to one transaction and its number."""


def main(kind: str) -> None:
    """Prints a line for each: medians of milliseconds at both sizes, their ratio, and the index it reads."""
    small, big = (int(size) for size in os.environ.get("BENCH_TOKENS", "10000,10000000").split(","))
    few, many = _measured(kind, small), _measured(kind, big)
    print(f"{'phone tokens on ' + kind:44} {small:>12,} {big:>12,}  ratio")
    for what, (before, _) in few.items():
        after, index = many[what]
        print(f"{what:44} {before:9.2f} ms {after:9.2f} ms  {after / before:5.2f}  {index}")


def _measured(kind: str, size: int) -> dict[str, tuple[float, str]]:
    with database(kind) as url:
        environ = {**environment(url), "LOG_LEVEL": "error"}
        manage(environ, "prepare")
        done = subprocess.run(
            [sys.executable, "-m", "bench.phone_token_scale", str(size)],
            cwd=ROOT, env=environ, check=True, text=True, stdout=subprocess.PIPE,
        )  # fmt: skip
    return dict(json.loads(done.stdout))


def columns(sql: Dialect, size: int, digest: Callable[[str], str]) -> dict[str, str]:
    """What stands in record ``i``: random where the portal's is, as long as the portal's."""
    heavy = f"i % {HEAVY_SHARE} = 0"
    age = f"(CASE WHEN i <= {EXPIRED} THEN {RETENTION_SECONDS} + 100 ELSE 0 END + ({size} - i) / 10)"
    return {
        "id": "i", "ordinal": f"CASE WHEN {heavy} THEN i / {HEAVY_SHARE} ELSE 1 END",
        "xid": f"CASE WHEN {heavy} THEN 'heavy' ELSE {digest('i')} || '-xid' END",
        "phone_hash": f"'abcdef.' || substr({digest(f'CASE WHEN {heavy} THEN 0 ELSE -i END')}, 1, 22)",
        "sealed_number": f"'gAAAA' || {digest('i + 1')} || {digest('i + 2')} || {digest('i + 3')}",
        "issued_at": sql.ago(age), "expires_at": sql.ago(f"{age} - 90"),
        "fingerprint": f"{digest('i + 4')} || {digest('i + 5')}",
        "client_hash": f"'abcdef.' || substr({digest('i % 5000')}, 1, 22)",
    }  # fmt: skip


def insert_records(cursor: Any, vendor: str, size: int) -> None:
    is_postgresql = vendor == "postgresql"
    sql = POSTGRESQL if is_postgresql else SQLITE
    names = columns(sql, size, lambda number: f"md5(({number}) || 'x')")
    cursor.execute(
        f"INSERT INTO portal_phonetoken ({', '.join(names)}) "
        f"SELECT {', '.join(names.values())} FROM {sql.series(size)}"
    )
    if is_postgresql:
        cursor.execute("SELECT setval(pg_get_serial_sequence('portal_phonetoken', 'id'), %s)", [size])


def fill(cursor: Any, vendor: str, size: int) -> None:
    """``cursor`` is the driver's own and commits by itself."""
    is_postgresql = vendor == "postgresql"
    if not is_postgresql:
        cursor.execute("PRAGMA cache_size = -2000000")  # random ids: its indexes can't be made on disk
    with without_indexes(cursor) if is_postgresql else one_transaction(cursor), told(f"{size:,} records"):
        insert_records(cursor, vendor, size)
    with told("vacuum, analyze"):
        cursor.execute("VACUUM ANALYZE" if is_postgresql else "ANALYZE")
    if not is_postgresql:
        cursor.execute("PRAGMA cache_size = -2000")


def inside(size: int) -> dict[str, tuple[float, str]]:
    """The part with the portal's settings: fills the database and measures."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from portal.core.phone_numbers import parse_phone_number
    from portal.models import PhoneToken, User
    from portal.services.phone_tokens import Request, issue_phone_token
    from portal.services.purge import KINDS, past_phone_tokens

    with connection.cursor() as cursor:
        fill(cursor.cursor, connection.vendor, size)
    records = PhoneToken.objects.all()
    known = list(records.filter(pk__in=[1 + size * part // REPEATS for part in range(REPEATS)]))
    heavy = records.filter(pk=size - size % HEAVY_SHARE).get()
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    staff = User.objects.create_user("bench@example.com", is_staff=True, is_superuser=True)
    client.force_login(staff, backend=settings.AUTHENTICATION_BACKENDS[0])

    def issue(turn: int) -> None:
        number = parse_phone_number(f"1555{2_000_000 + turn}")
        assert number is not None
        issue_phone_token(settings.TOKEN_SERVICE, Request(number, f"new-{turn}", "127.0.0.1"))

    def page(turn: int) -> None:
        assert client.get(reverse("admin:portal_phonetoken_changelist")).status_code == 200

    queries = {
        "find by xid": lambda turn: records.filter(xid=known[turn].xid),
        "find by number": lambda turn: records.filter(phone_hash=known[turn].phone_hash),
        "find by the xid of very many": lambda turn: records.filter(xid=heavy.xid),
        "find by the number of very many": lambda turn: records.filter(phone_hash=heavy.phone_hash),
        "its next page": lambda turn: records.filter(xid=heavy.xid, id__lt=heavy.pk // 2),
    }
    found = {"issue": (_median(issue), "")}
    for what, query in queries.items():
        found[what] = (_median(lambda turn, query=query: list(query(turn)[:51])), _index(query(0)[:51]))
    found["first page in the admin"] = (_median(page), "")
    found["look for records to purge"] = (
        _median(lambda turn: list(past_phone_tokens().values_list("pk", flat=True)[:500])),
        _index(past_phone_tokens().values_list("pk", flat=True)[:500]),
    )
    began_at = time.perf_counter()
    erased = KINDS["phone tokens"].erase()
    found[f"purge {erased:,} records"] = ((time.perf_counter() - began_at) * 1000, "")
    return found


def _median(work: Callable[[int], object]) -> float:
    times = []
    for turn in range(REPEATS):
        began_at = time.perf_counter()
        work(turn)
        times.append((time.perf_counter() - began_at) * 1000)
    return statistics.median(times)


def _index(query: Any) -> str:
    """The plan's lines that name what is read; a table that is read as a whole shows itself."""
    return "; ".join(
        line.strip()
        for line in query.explain().splitlines()
        if "Scan" in line or "SEARCH" in line or "SCAN" in line
    )


if __name__ == "__main__":
    print(json.dumps(inside(int(sys.argv[1]))))
