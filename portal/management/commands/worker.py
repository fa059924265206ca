"""``worker``: executes operations; any number may run."""

import time
from typing import Any

import structlog
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from portal.core.actor import SYSTEM
from portal.jobs.worker import Worker
from portal.management.command import PortalCommand
from portal.management.measuring import measure_as
from portal.services.signing_keys.rotate import finish_revocations
from portal.services.signing_keys.sync import sync_signing_keys

log = structlog.get_logger("portal.worker")
LOOK_EVERY_SECONDS = 1


def wait_until_prepared() -> None:
    """Return once the database answers and has every migration: another process may be at it."""
    while True:
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
        except OperationalError as exc:
            log.warning("worker.database_away", error=type(exc).__name__)
        log.info("worker.waits_for_migrations")
        connection.close()
        time.sleep(LOOK_EVERY_SECONDS)


class Command(PortalCommand):
    help = "Execute operations until SIGTERM; the one at hand is finished first."

    def run(self, **options: Any) -> None:
        measure_as("worker")
        wait_until_prepared()
        sync_signing_keys()
        finish_revocations(SYSTEM)
        Worker().run()
