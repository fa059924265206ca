"""Reading the portal's database from outside, whichever it is."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg

PATIENCE_SECONDS = 60


class Rows:
    """Plain SELECTs over a connection for each; instants come as aware ``datetime``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_postgres = url.startswith("postgres")

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows; repeated while the campaign cuts connections."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._select(statement)
            except (psycopg.OperationalError, sqlite3.OperationalError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _select(self, statement: str) -> list[tuple[Any, ...]]:
        if self.is_postgres:
            with psycopg.connect(self.url, connect_timeout=10) as server:
                return list(server.execute(statement.encode()))
        connection = sqlite3.connect(urlsplit(self.url).path, timeout=60)
        try:
            return list(connection.execute(statement))
        finally:
            connection.close()

    @contextmanager
    def nobody_writes(self) -> Iterator[None]:
        """On SQLite nobody holds the lock for writing meanwhile; PostgreSQL has no such lock."""
        if self.is_postgres:
            yield
            return
        connection = sqlite3.connect(urlsplit(self.url).path, timeout=60, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    @staticmethod
    def instant(value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
