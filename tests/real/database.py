"""A fresh database for one portal, on whatever the suite runs on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """Its URL: a file in ``folder``, or a database beside ``TEST_DATABASE_URL``, dropped at the end."""
    server = os.environ.get("TEST_DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield f"sqlite:///{folder / 'portal.sqlite3'}"
        return
    name = f"latchkey_real_{uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement.encode())
