"""A fresh database for one portal, on whatever the suite runs on."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from tests.real.portal import CHECKOUT


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """The URL of a migrated database: a file in ``folder``, or one beside ``TEST_DATABASE_URL``, dropped at the end.

    A copy of one that was migrated once a session: migrating takes seconds.
    """
    if server := _postgresql():
        with _new_database(server, _migrated_database(server)) as url:
            yield url
    else:
        file = folder / "portal.sqlite3"
        shutil.copyfile(_migrated_file(), file)
        yield f"sqlite:///{file}"


@contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """The same as a new user has it: without a table."""
    if server := _postgresql():
        with _new_database(server) as url:
            yield url
    else:
        yield f"sqlite:///{folder / 'portal.sqlite3'}"


def _postgresql() -> str:
    """The server of ``TEST_DATABASE_URL``; empty when the suite runs on SQLite."""
    url = os.environ.get("TEST_DATABASE_URL", "")
    return url if url.startswith("postgres") else ""


@contextmanager
def _new_database(server: str, template: str = "template1") -> Iterator[str]:
    name = f"latchkey_real_{uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _migrated_file() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="latchkey-migrated-")
    atexit.register(folder.cleanup)
    file = Path(folder.name) / "migrated.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@cache
def _migrated_database(server: str) -> str:
    """The name of the copies' template."""
    kept = ExitStack()
    atexit.register(kept.close)
    url = kept.enter_context(_new_database(server))
    _migrate(url)
    return urlsplit(url).path.removeprefix("/")


def _migrate(url: str) -> None:
    environ = {"PATH": os.environ["PATH"], "PORTAL_ENV": "development", "DATABASE_URL": url}
    for command in ("migrate", "createcachetable"):
        subprocess.run(
            [sys.executable, "manage.py", command, "--verbosity", "0"], cwd=CHECKOUT, env=environ, check=True
        )


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement.encode())
