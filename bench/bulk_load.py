"""Loads ``bench.scale`` into a fresh database; a million customers take some minutes on PostgreSQL.

Run as ``python -m bench.bulk_load N`` it fills the database that ``DATABASE_URL`` names, which
``manage.py prepare`` made and nobody used. PostgreSQL: indexes and foreign keys are taken away,
the tables are written without a log, and everything is made again, which also checks the rows.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.scale import POSTGRESQL, SQLITE, operations_of_keys, rows

FOREIGN_KEYS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE contype = 'f' AND connamespace = 'public'::regnamespace"""
UNIQUE = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE contype = 'u' AND connamespace = 'public'::regnamespace"""
INDEXES = """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
  JOIN pg_class ON pg_class.oid = indrelid
  WHERE NOT indisprimary AND relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"""


def load(cursor: Any, vendor: str, customers: int) -> None:
    """Fill the database; ``cursor`` commits by itself."""
    with without_indexes(cursor) if vendor == "postgresql" else one_transaction(cursor):
        tables = insert_rows(cursor, vendor, customers)
    if vendor == "postgresql":
        for table in tables:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    with told("vacuum, analyze"):
        cursor.execute("VACUUM ANALYZE" if vendor == "postgresql" else "ANALYZE")


def insert_rows(cursor: Any, vendor: str, customers: int) -> list[str]:
    """Every table's rows; returns the tables. The active signing key is there already."""
    sql = POSTGRESQL if vendor == "postgresql" else SQLITE
    cursor.execute("SELECT id FROM portal_signingkey WHERE state = 'active'")
    (signing_key,) = cursor.fetchone()
    tables = rows(customers, sql, signing_key)
    for table, count, columns in tables:
        names, values = ", ".join(columns), ", ".join(columns.values())
        with told(f"{table}: {count:,} rows"):
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {sql.series(count)}")
    with told("portal_operation: one a key"):
        cursor.execute(operations_of_keys())
    return [table for table, _, _ in tables] + ["portal_operation"]


@contextmanager
def one_transaction(cursor: Any) -> Iterator[None]:
    cursor.execute("BEGIN")
    yield
    cursor.execute("COMMIT")


@contextmanager
def without_indexes(cursor: Any) -> Iterator[None]:
    constraints, foreign_keys = _found(cursor, UNIQUE), _found(cursor, FOREIGN_KEYS)
    for table, name, _ in foreign_keys + constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = _found(cursor, INDEXES)
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    for (table,) in _found(cursor, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        cursor.execute(f"ALTER TABLE {table} SET UNLOGGED")
    yield
    cursor.execute("SET maintenance_work_mem = '512MB'")
    with told(f"{len(constraints) + len(indexes)} indexes"):
        for table, name, definition in constraints:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for _, definition in indexes:
            cursor.execute(definition)
    with told(f"{len(foreign_keys)} foreign keys"):
        for table, name, definition in foreign_keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _found(cursor: Any, query: str) -> list[tuple[str, ...]]:
    cursor.execute(query)
    return list(cursor.fetchall())


@contextmanager
def told(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def main() -> None:
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    import django
    from django.db import connection

    django.setup()
    with connection.cursor() as cursor:
        load(cursor.cursor, connection.vendor, int(sys.argv[1]))


if __name__ == "__main__":
    main()
