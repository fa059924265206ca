"""``prepare``: the database is ready to serve: migrated, with cache table and signing keys."""

from typing import Any

from django.core.management import call_command

from portal.management.command import PortalCommand
from portal.services.plans import ensure_default_plan
from portal.services.signing_keys.sync import sync_signing_keys


class Command(PortalCommand):
    help = "Migrate the database, create the cache table and the signing keys. May be repeated."

    def run(self, **options: Any) -> None:
        verbosity = options["verbosity"]
        self.check()
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("createcachetable", verbosity=verbosity)
        # The sidecar also brings Redoc, which nothing here serves.
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        ensure_default_plan()
        sync_signing_keys()
