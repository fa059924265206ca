"""``prepare``: the database is ready to serve: migrated, with cache table and signing keys."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from portal.management.command import PortalCommand
from portal.services.signing_keys.sync import sync_signing_keys
from portal.services.status_lists import publish_status_lists


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
            # The sidecar also brings Redoc, which nothing here serves.
            call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        sync_signing_keys()
        publish_status_lists()
