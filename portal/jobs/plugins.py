"""The plugin of an operation: one that was taken out of the configuration waits for a person."""

from portal.core.plugins import registry
from portal.models import Operation
from provisioning.contract import Plugin
from provisioning.errors import Misconfigured
from provisioning.registry import UnknownPlugin


def plugin_of(operation: Operation) -> Plugin:
    """The operation's plugin; raises ``Misconfigured`` when it isn't enabled any more."""
    try:
        return registry().get(operation.plugin)
    except UnknownPlugin as exc:
        raise Misconfigured(
            "plugin_not_enabled", f"The plugin {operation.plugin} is not in PLUGIN_APIM_PROVIDER any more."
        ) from exc


def is_local(operation: Operation) -> bool:
    """Whether nothing of this operation leaves the process."""
    return operation.plugin in registry().slugs and registry().get(operation.plugin).local
