"""How the enabled plugins are doing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.clock import now
from portal.core.plugins import registry
from provisioning.contract import Checks, Plugin, Problem, capabilities
from provisioning.errors import ProvisioningError

FRESH = timedelta(seconds=30)


@dataclass(frozen=True)
class PluginHealth:
    slug: str
    capabilities: list[str]
    healthy: bool
    checked_at: datetime
    problems: list[Problem]


_seen: dict[str, PluginHealth] = {}


def plugin_health() -> list[PluginHealth]:
    """Health of each enabled plugin, looked at anew when the last look is 30 s old."""
    for plugin in registry():
        seen = _seen.get(plugin.slug)
        if seen is None or seen.checked_at + FRESH <= now():
            _seen[plugin.slug] = _look(plugin)
    return [_seen[slug] for slug in registry().slugs]


def _look(plugin: Plugin) -> PluginHealth:
    problems: list[Problem] = []
    if isinstance(plugin, Checks):
        try:
            problems = list(plugin.check())
        except ProvisioningError as exc:
            problems = [Problem(exc.code, exc.detail)]
    return PluginHealth(plugin.slug, capabilities(plugin), not problems, now(), problems)
