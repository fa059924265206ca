"""``prepare``: the database is ready to serve: migrated, with cache table and signing keys."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection

from portal.management.command import PortalCommand
from portal.services.signing_keys.sync import sync_signing_keys
from portal.services.status_lists import publish_status_lists

NOT_SERVED = ["redoc"]
"""The sidecar also brings Redoc, which loads from foreign hosts."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let hosts that start together prepare one after another; SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        yield
        return
    # A connection of its own: migrating may close the default one, which would end the lock.
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('latchkey prepare', 0))")
        yield
    finally:
        holder.close()


@contextmanager
def nobody_else_collects() -> Iterator[None]:
    """Portals of one checkout share the folder, whatever databases they have."""
    root = Path(settings.STATIC_ROOT)
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def collect_static_files() -> None:
    """Collect and compress, which takes seconds, unless the files are those of the last time."""
    note, present = Path(settings.STATIC_ROOT).with_suffix(".collected"), _sources()
    if note.exists() and note.read_text() == present:
        return
    note.unlink(missing_ok=True)  # nothing counts as collected until it is
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SERVED)
    note.write_text(present)


def _sources() -> str:
    """What would be collected: every file's path, size and time of change, as SHA-256."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(NOT_SERVED):
            file = Path(storage.path(path))
            digest.update(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()


class Command(PortalCommand):
    help = "Migrate the database, create the cache table, signing keys and status list. May be repeated."

    def run(self, **options: Any) -> None:
        self.check()
        with one_at_a_time():
            self._prepare(options["verbosity"])

    def _prepare(self, verbosity: int) -> None:
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("createcachetable", verbosity=verbosity)
        with nobody_else_collects():
            collect_static_files()
        sync_signing_keys()
        publish_status_lists()
