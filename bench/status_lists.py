"""Publishing a status list of a million keys, of which a tenth is revoked: time and size."""

import os
import statistics
import subprocess
import sys
import time

from bench.scale import POSTGRESQL, SQLITE, Dialect
from bench.servers import ROOT, database, manage

KEYS, REVOKED_SHARE, ROUNDS = 1_000_000, 0.1, 7


def main(kind: str) -> None:
    """Fill a fresh database, then publish its first list again and again, each time after a revocation."""
    with database(kind) as url:
        environ = {
            **os.environ, "PORTAL_ENV": "development", "DATABASE_URL": url, "LOG_LEVEL": "error",
            "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10,
        }  # fmt: skip
        manage(environ, "prepare")
        subprocess.run([sys.executable, "-m", "bench.status_lists", kind], cwd=ROOT, env=environ, check=True)


def keys(sql: Dialect, customer: int) -> dict[str, str]:
    """What the portal itself stores, as far as lists look at it."""
    is_gone = f"i * 7919 % 1000 < {REVOKED_SHARE * 1000:.0f}"
    return {
        "id": "i", "public_id": "'key_' || i", "customer_id": str(customer), "name": "'bench'",
        "plugin": "'jwt'", "scopes": sql.json("'[]'"), "public": sql.json("'{}'"), "external_id": "''",
        "prefix": "''", "last4": "''", "sealed_secret": "''", "revoke_reason": "''", "created_by": "''",
        "status": f"CASE WHEN {is_gone} THEN 'revoked' ELSE 'active' END",
        "fingerprint": "'f' || i", "created_at": sql.ago("86400"), "activated_at": sql.ago("86400"),
        "expires_at": sql.ago("-2592000"), "revoked_at": f"CASE WHEN {is_gone} THEN {sql.ago('3600')} END",
    }  # fmt: skip


def inside(kind: str) -> None:
    """The part with the portal's settings."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    django.setup()
    from django.db import connection

    from portal.core.clock import now
    from portal.models import Customer, IssuedKey, StatusList
    from portal.services.status_lists import note_status_changes, publish_status_lists

    customer = Customer.objects.create(name="Bench", external_id="bench")
    sql = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    columns = keys(sql, customer.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO portal_issuedkey ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM {sql.series(KEYS)}"
        )
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    seconds = []
    for number in range(ROUNDS):
        key = IssuedKey.objects.filter(status="active").values_list("pk", flat=True)[number * 1000]
        IssuedKey.objects.filter(pk=key).update(status="revoked", revoked_at=now())
        note_status_changes([key])
        start = time.perf_counter()
        assert publish_status_lists() >= 1
        seconds.append(time.perf_counter() - start)
    size = len(StatusList.objects.get(number=0).token)
    print(
        f"status list on {kind}: {KEYS:,} keys, {REVOKED_SHARE:.0%} revoked: published in "
        f"{statistics.median(seconds):.2f} s (slowest {max(seconds):.2f} s), {size / 1000:.0f} KB"
    )


if __name__ == "__main__":
    inside(sys.argv[1])
