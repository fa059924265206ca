"""Starts what is measured, each on its own port and database, and ends it again."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def database(kind: str) -> Iterator[str]:
    """A fresh database's URL; ``kind`` is sqlite or postgresql."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"
        return
    url = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    name = f"latchkey_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        yield url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(environ: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@contextmanager
def portal(kind: str) -> Iterator[tuple[int, dict[str, str]]]:
    """A portal with one web process; gives its port and environment."""
    with database(kind) as url:
        port = free_port()
        environ = {
            **os.environ, "PORTAL_ENV": "development", "DATABASE_URL": url, "PORT": str(port),
            "LOG_LEVEL": "error", "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10,
            "LATCHKEY_STAFF_PASSWORD": "bench",
        }  # fmt: skip
        with running(
            [sys.executable, "manage.py", "serve", "--workers", "1", "--port", str(port)], port, environ
        ):
            yield port, environ


@contextmanager
def bare() -> Iterator[int]:
    """The bare WSGI application on the same server, with the same settings."""
    port = free_port()
    code = (
        "from portal.management.web_server import serve;"
        f"serve('127.0.0.1', {port}, workers=1, threads=16, target='bench.bare:application')"
    )
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.config.settings", "PORTAL_ENV": "development"}
    with running([sys.executable, "-c", code], port, environ, path="/"):
        yield port


@contextmanager
def running(
    command: list[str],
    port: int,
    environ: dict[str, str],
    path: str = "/healthz",
    *,
    is_quiet: bool = False,
) -> Iterator["subprocess.Popen[bytes]"]:
    """The server, once it answers at ``path``; ``is_quiet``: what it logs is written, and read by nobody."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL if is_quiet else None
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("the server did not start")
        yield process
    finally:
        process.terminate()
        process.wait(30)
