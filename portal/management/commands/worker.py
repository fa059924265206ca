"""``worker``: executes operations; any number may run."""

from typing import Any

from portal.core.actor import SYSTEM
from portal.jobs.worker import Worker
from portal.management.command import PortalCommand
from portal.services.signing_keys.rotate import finish_revocations
from portal.services.signing_keys.sync import sync_signing_keys


class Command(PortalCommand):
    help = "Execute operations until SIGTERM; the one at hand is finished first."

    def run(self, **options: Any) -> None:
        sync_signing_keys()
        finish_revocations(SYSTEM)
        Worker().run()
