"""Comparing every provider that can be listed with the portal. Nothing is repaired unasked."""

import structlog

from portal.core.batches import until_stopped
from portal.core.plugins import registry
from portal.jobs.reconcile import reconcile_plugin
from provisioning.contract import Lists
from provisioning.errors import ProvisioningError

log = structlog.get_logger("portal.reconcile")


def reconcile_plugins() -> None:
    """Store for each plugin what differs. A provider that can't be asked waits for the next day."""
    for plugin in until_stopped(registry()):
        if not isinstance(plugin, Lists):
            continue
        try:
            reconcile_plugin(plugin, repair=False)
        except ProvisioningError as exc:
            log.warning("reconcile.failed", plugin=plugin.slug, code=exc.code)
