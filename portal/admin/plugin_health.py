"""How plugins are doing, as workers stored it. Nothing here asks a provider: pages must not wait for one."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from portal.admin.show import pill, relative
from portal.core.clock import now
from portal.core.plugins import registry
from portal.models import PluginState
from portal.services.plugins import FRESH


@dataclass(frozen=True)
class Health:
    pill: SafeString
    remark: str
    todo: str = ""
    problem: str = ""


def health(state: PluginState) -> Health:
    """A plugin's state as a word, what it rests on, and what to do about it."""
    if state.plugin not in registry().slugs:
        todo = "Its keys can't be revoked at the provider: put it back into PLUGIN_APIM_PROVIDER."
        return Health(pill("inactive", "Not enabled"), "Not in PLUGIN_APIM_PROVIDER", todo)
    if state.checked_at is None:
        todo = "Workers look once a minute: see whether one is running."
        return Health(pill("unknown", "Never looked at"), "", todo)
    looked = f"Looked at {relative(state.checked_at)}"
    if state.checked_at + FRESH <= now():
        todo = "Workers look once a minute: see whether one is running."
        return Health(pill("unknown", "Look is old"), looked, todo)
    if problems := state.real_problems:
        number = len(problems)
        told = " ".join(str(problem.get("detail") or problem.get("code")) for problem in problems[:3])
        todo = "Mend this at the provider or in the plugin's settings."
        return Health(pill("failed", f"{number} problem{'s' * (number != 1)}"), looked, todo, told)
    if state.problems:
        return Health(pill("healthy", "Healthy, limited"), f"{looked}; it could do more")
    return Health(pill("healthy"), looked)


def drift_told(state: PluginState) -> str:
    """What comparing portal and provider found, in a few words."""
    if state.reconciled_at is None:
        return "Not compared yet"
    number = len(state.drift)
    found = f"{number:,} difference{'s' * (number != 1)}" if number else "No difference"
    return f"{found}, compared {relative(state.reconciled_at)}"


def plugin_states() -> list[PluginState]:
    """Every enabled plugin, with an unsaved row for one that nobody looked at yet. One query."""
    stored = {state.plugin: state for state in PluginState.objects.filter(plugin__in=registry().slugs)}
    return [stored.get(slug) or PluginState(plugin=slug) for slug in registry().slugs]
