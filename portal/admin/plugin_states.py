"""Plugins: how they are doing, and what differs between the portal and their providers."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin.actions import ConfirmedAction
from portal.admin.base import ReadOnlyAdmin
from portal.admin.mentioned import Mentioned
from portal.admin.plugin_health import drift_told, health
from portal.admin.show import NOTHING, code, lines, list_link, moment, pill, when
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.core.plugins import plugin_named, registry
from portal.jobs.reconcile import reconcile_plugin
from portal.models import IssuedKey, Operation, PluginState
from portal.services.repairs import record_repair
from provisioning.contract import Lists, capabilities
from provisioning.errors import ProvisioningError

SHOWN = 200
_TOLD = {
    "missing": ("Missing", "Its key is marked as revoked: nobody can use it any more."),
    "orphaned": ("Orphaned", "The credential is deleted at the provider."),
    "drifted": ("Second credential", "The credential is deleted; the key's own stays."),
}
"""Kind of difference → its name, and what repairing does."""


def _repair(actor: Actor, state: PluginState, values: dict[str, Any]) -> str:
    plugin = plugin_named(state.plugin)
    record_repair(actor, state.plugin, found=len(state.drift))
    try:
        left = reconcile_plugin(plugin, repair=True)
    except ProvisioningError as exc:
        raise Conflict(exc.code, f"{exc.detail} What was repaired before stays so.") from exc
    if left:
        return f"{state.plugin} was repaired; {len(left):,} differences are left."
    return f"{state.plugin} was compared and repaired: nothing differs any more."


def _about_repairing(states: Sequence[PluginState]) -> list[str]:
    return [
        "The provider is asked for all its credentials, which may take a minute. Whatever differs then "
        "is repaired, also what is not listed here yet.",
        "Credentials that no living key stands for are deleted at the provider, for good.",
        "Keys whose credential is gone there are marked as revoked, for good: their users need new ones.",
        "Nothing is changed when all keys are missing at once: then the plugin probably looks at "
        "another account.",
    ]


REPAIR = ConfirmedAction(
    "repair", "Repair", "repair", "repaired", _repair, _about_repairing, one=True, destructive=True,
    offered=lambda state: bool(state.drift) and state.plugin in registry().slugs,
)  # fmt: skip


@admin.register(PluginState)
class PluginStateAdmin(ReadOnlyAdmin):
    confirmed = (REPAIR,)
    list_display = ("plugin", "state", "todo", "drift_shown", "checked")
    ordering = ("plugin",)
    subtitle = (
        "Workers look at each plugin once a minute, and compare its provider with the portal once a day."
    )
    empty_title = "No plugin was looked at yet"
    empty_text = "A worker does so once a minute. Start one with manage.py worker."
    fieldsets = (
        (None, {"fields": ("state", "todo_shown", "checked_shown", "can", "keys_shown", "operations_shown")}),
        ("Problems", {"fields": ("problems_shown",)}),
        ("Could do more", {"fields": ("limits_shown",)}),
        ("Portal and provider compared", {"fields": ("reconciled", "differences")}),
    )

    def matches(self, term: str) -> Q:
        return Q(plugin=term.lower())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without problems where there are none."""
        limited = len(obj.problems) > len(obj.real_problems)
        hidden = {"Problems"} if not obj.real_problems else set()
        hidden |= {"Could do more"} if not limited else set()
        return [part for part in self.fieldsets if part[0] not in hidden]

    def audit_objects(self, found: PluginState) -> list[str]:
        return [found.plugin]

    @admin.display(description="State")
    def state(self, state: PluginState) -> SafeString:
        return health(state).pill

    @admin.display(description="What to do")
    def todo(self, state: PluginState) -> str:
        found = health(state)
        differs = "Look at what differs, and repair it." if state.drift else ""
        return " ".join(filter(None, [found.problem, found.todo, differs])) or "Nothing"

    @admin.display(description="What to do")
    def todo_shown(self, state: PluginState) -> str:
        """The problems themselves are listed below."""
        found = health(state)
        differs = "Look at what differs below, and repair it." if state.drift else ""
        return " ".join(filter(None, [found.todo, differs])) or "Nothing"

    @admin.display(description="What is wrong")
    def problems_shown(self, state: PluginState) -> SafeString | str:
        return _listed(state.real_problems)

    @admin.display(description="What is limited")
    def limits_shown(self, state: PluginState) -> SafeString | str:
        return _listed([problem for problem in state.problems if problem.get("optional")])

    @admin.display(description="Compared")
    def drift_shown(self, state: PluginState) -> SafeString | str:
        told = drift_told(state)
        return format_html('<span class="bad">{}</span>', told) if state.drift else told

    @admin.display(description="Looked at")
    def checked(self, state: PluginState) -> SafeString | str:
        return when(state.checked_at)

    @admin.display(description="Looked at")
    def checked_shown(self, state: PluginState) -> SafeString | str:
        return moment(state.checked_at)

    @admin.display(description="Capabilities")
    def can(self, state: PluginState) -> str:
        if state.plugin not in registry().slugs:
            return NOTHING
        return ", ".join(capabilities(registry().get(state.plugin))) or NOTHING

    @admin.display(description="Keys")
    def keys_shown(self, state: PluginState) -> SafeString:
        return list_link(IssuedKey, "Keys made by it", plugin=state.plugin)

    @admin.display(description="Operations")
    def operations_shown(self, state: PluginState) -> SafeString:
        return list_link(Operation, "Operations at it", plugin=state.plugin)

    @admin.display(description="Compared")
    def reconciled(self, state: PluginState) -> SafeString | str:
        if state.reconciled_at is None and state.plugin in registry().slugs:
            if not isinstance(registry().get(state.plugin), Lists):
                return "There is nothing to compare: it lists no credentials"
            return "Not yet"
        return moment(state.reconciled_at)

    @admin.display(description="Differences")
    def differences(self, state: PluginState) -> SafeString | str:
        if not state.drift:
            return "None" if state.reconciled_at else NOTHING
        found = state.drift[:SHOWN]
        keys = Mentioned(drift["key"] for drift in found)
        rows = format_html_join("", _ROW, (_cells(drift, keys) for drift in found))
        more = len(state.drift) - len(found)
        rest = (
            format_html("<p>And {} more: the command reconcile lists all.</p>", f"{more:,}") if more else ""
        )
        return format_html(_TABLE, rows, rest)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("portal.view_customer")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.revoke_issuedkey")


def _listed(problems: Sequence[dict[str, Any]]) -> SafeString | str:
    """Each problem in full, with its code, which docs/errors.md explains."""
    return lines(
        format_html("{} {}", code(problem.get("code")), problem.get("detail", "")) for problem in problems
    )


_ROW = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} <span class='quiet'>{}</span></td></tr>"
_TABLE = (
    '<div class="wide"><table class="differences"><thead><tr>'
    '<th scope="col">What</th><th scope="col">Key</th>'
    '<th scope="col">Id at the provider</th><th scope="col">Why, and what repairing does</th></tr></thead>'
    "<tbody>{}</tbody></table></div>{}"
)


def _cells(drift: dict[str, str], keys: Mentioned) -> tuple[Any, ...]:
    name, repaired = _TOLD.get(drift["kind"], (drift["kind"].capitalize(), ""))
    key = keys.object(drift["key"]) if drift["key"] else NOTHING
    return pill("failed", name), key, code(drift["external_id"]), drift["detail"], repaired
