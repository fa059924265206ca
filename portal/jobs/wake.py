"""Waking a worker as soon as there is work, at next to no cost while there is none.

PostgreSQL tells by NOTIFY, on a connection of its own outside the pool. For SQLite one PRAGMA
that reads a counter in the file's header shows whether anybody has written. Either way this only
saves time: what is missed here is found at the next poll.
"""

import sqlite3
import threading
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from django.db import connection, connections

from portal.services.operations.queue import CHANNEL

log = structlog.get_logger("portal.worker")
LOOK_EVERY = timedelta(milliseconds=50)
RECONNECT_AFTER = timedelta(seconds=2)


class Wake:
    """An event that is set when there may be work: by ``poke``, or by what others commit."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._ended = threading.Event()
        watch = self._listen if connection.vendor == "postgresql" else self._look_at_file
        self._watcher = threading.Thread(target=watch, daemon=True, name="wake")

    def __enter__(self) -> "Wake":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join(timeout=2)

    def poke(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Return after so long, or as soon as there may be work."""
        self._event.wait(seconds)
        self._event.clear()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                with psycopg.connect(**_parameters(), autocommit=True) as listener:
                    listener.execute(f"LISTEN {CHANNEL}")
                    self.poke()  # what was announced before we listened
                    while not self._ended.is_set():
                        for _ in listener.notifies(timeout=1, stop_after=1):
                            self.poke()
            except psycopg.Error as exc:
                log.warning("worker.listen_failed", error=type(exc).__name__)
                self._ended.wait(RECONNECT_AFTER.total_seconds())

    def _look_at_file(self) -> None:
        file = sqlite3.connect(connections["default"].settings_dict["NAME"], check_same_thread=False)
        seen = None
        while not self._ended.wait(LOOK_EVERY.total_seconds()):
            try:
                (version,) = file.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                continue  # locked or away: the poll finds the work
            if version != seen:
                seen = version
                self.poke()
        file.close()


def _parameters() -> dict[str, Any]:
    """How Django connects, without its cursor class and adapters."""
    parameters = connections["default"].get_connection_params()
    return {name: value for name, value in parameters.items() if name not in ("cursor_factory", "context")}
