"""How the enabled plugins are doing: looked at by a worker every minute, and stored for all to read."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog

from portal.core.batches import until_stopped
from portal.core.clock import now
from portal.core.plugins import registry
from portal.models import PluginState
from provisioning.contract import Checks, Plugin, Problem, capabilities
from provisioning.errors import ProvisioningError

log = structlog.get_logger("portal.plugins")
FRESH = timedelta(minutes=5)
"""An older look says too little: with no worker at it, whoever asks looks."""
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class PluginHealth:
    slug: str
    capabilities: list[str]
    healthy: bool
    checked_at: datetime
    problems: list[Problem]


def plugin_health() -> list[PluginHealth]:
    """Health of each enabled plugin as last stored; one not looked at for 5 minutes is looked at now.

    No transaction may be open: looking may use the network.
    """
    stored = {state.plugin: state for state in PluginState.objects.filter(plugin__in=registry().slugs)}
    return [_health(plugin, stored.get(plugin.slug)) for plugin in registry()]


def _health(plugin: Plugin, stored: PluginState | None) -> PluginHealth:
    age = None if stored is None or stored.checked_at is None else now() - stored.checked_at
    if stored is None or stored.checked_at is None or age is None or not timedelta(0) <= age < FRESH:
        return _look(plugin)
    problems = [Problem(**found) for found in stored.problems]
    return _told(plugin, stored.checked_at, problems)


def look_at_plugins() -> None:
    """Look at every enabled plugin and store what is wrong."""
    for plugin in until_stopped(registry()):
        _look(plugin)


def _look(plugin: Plugin) -> PluginHealth:
    problems = list(_problems(plugin))[:MOST_PROBLEMS] if isinstance(plugin, Checks) else []
    checked_at = now()
    PluginState.objects.update_or_create(
        plugin=plugin.slug,
        defaults={
            "checked_at": checked_at,
            "problems": [asdict(problem) for problem in problems],
        },
    )
    return _told(plugin, checked_at, problems)


def _told(plugin: Plugin, checked_at: datetime, problems: list[Problem]) -> PluginHealth:
    healthy = all(problem.optional for problem in problems)
    return PluginHealth(plugin.slug, capabilities(plugin), healthy, checked_at, problems)


def _problems(plugin: Checks) -> Sequence[Problem]:
    try:
        return plugin.check()
    except ProvisioningError as exc:
        return [Problem(exc.code, exc.detail)]
    except Exception as exc:  # whatever a plugin does, the others are looked at
        log.warning("plugin.check_crashed", error=type(exc).__name__)
        return [Problem("internal_error", "The check itself ended with an unexpected error; the log has it.")]
