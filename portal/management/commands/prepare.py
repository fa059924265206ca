"""``prepare``: the database is ready to serve: migrated, with cache table and signing keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connection

from portal.management.command import PortalCommand
from portal.services.signing_keys.sync import sync_signing_keys


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


class Command(PortalCommand):
    help = "Migrate the database, create the cache table and the signing keys. May be repeated."

    def run(self, **options: Any) -> None:
        self.check()
        with one_at_a_time():
            self._prepare(options["verbosity"])

    def _prepare(self, verbosity: int) -> None:
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("createcachetable", verbosity=verbosity)
        # The sidecar also brings Redoc, which nothing here serves.
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        sync_signing_keys()
