"""The phone-token service as TeleSign's tutorial builds it, in Flask: the yardstick for ``/v1/token``.

Written anew, and well: one kept connection a thread, an insert that is committed as durably as ours,
an index for each of the two ways to find a transaction, answers with a status. Flask-Limiter
counts in this process's memory, as in the tutorial: limits of one process, forgotten with it.
"""

import os
import sqlite3
import threading
from base64 import b64decode
from collections.abc import Callable
from time import time
from typing import Any
from uuid import uuid4

import jwt
import psycopg
from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

DATABASE_URL = os.environ["DATABASE_URL"]
ISSUER, KEY = os.environ["TOKEN_SERVICE_ISSUER"], b64decode(os.environ["TOKEN_SERVICE_KEY"])
TABLE = """
    CREATE TABLE IF NOT EXISTS tutorial_tokens (
      id {key}, xid varchar(64) NOT NULL, phone_number varchar(16) NOT NULL, token text NOT NULL);
    CREATE INDEX IF NOT EXISTS tutorial_by_xid ON tutorial_tokens (xid);
    CREATE INDEX IF NOT EXISTS tutorial_by_number ON tutorial_tokens (phone_number);
"""
INSERT = "INSERT INTO tutorial_tokens (xid, phone_number, token) VALUES ({0}, {0}, {0})"

_of_thread = threading.local()


def _sqlite() -> sqlite3.Connection:
    found = sqlite3.connect(DATABASE_URL.removeprefix("sqlite:///"), timeout=20, isolation_level=None)
    found.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    return found


def _postgresql() -> "psycopg.Connection[Any]":
    return psycopg.connect(DATABASE_URL, autocommit=True)


def _prepared() -> tuple[Callable[[], Any], str]:
    """How a thread connects, and the insert as that driver wants it; the table is there."""
    if DATABASE_URL.startswith("sqlite"):
        connection = _sqlite()
        connection.executescript(TABLE.format(key="integer PRIMARY KEY"))
        connection.close()
        return _sqlite, INSERT.format("?")
    with psycopg.connect(DATABASE_URL, autocommit=True) as server:
        server.execute(TABLE.format(key="bigserial PRIMARY KEY").encode())
    return _postgresql, INSERT.format("%s")


_connect, _insert = _prepared()
app = Flask(__name__)
limiter = Limiter(
    get_remote_address, app=app, default_limits=[os.environ["TOKEN_SERVICE_RATE"]], storage_uri="memory://"
)


@app.route("/healthz")
@limiter.exempt
def healthz() -> str:
    return "ok"


@app.route("/v1/token/<phone_number>", methods=["GET"])
@app.route("/v1/token/<phone_number>/<xid>", methods=["GET"])
def get_token(phone_number: str, xid: str | None = None) -> Response:
    """The tutorial's steps: claims, signature, record, answer."""
    iat = int(time()) - 10
    xid = xid or str(uuid4())
    claims = {"iss": ISSUER, "iat": iat, "exp": iat + 90, "phn": phone_number, "xid": xid}
    try:
        token = jwt.encode(claims, KEY, algorithm="HS256")
        if not hasattr(_of_thread, "connection"):
            _of_thread.connection = _connect()
        _of_thread.connection.execute(_insert, (xid, phone_number, token))
    except Exception:  # as the tutorial has it: no token, whatever went wrong
        app.logger.exception("no token")
        return Response("", status=500, content_type="text/plain")
    return Response(token, content_type="text/plain")
