"""Every environment variable that the sources read, with its default where that is a literal."""

import ast

from provisioning.registry import PLANNED
from tests.docs.sources import calls, name_of, text_of, trees

READERS = frozenset({
    "text", "choice", "flag", "number", "duration", "words", "origin", "url", "matching", "secrets",
    "limit",
})  # fmt: skip
"""Methods of ``portal.config.env.Env``."""

LATER = {"PLUGIN_KONNECT_PAT": "kong-konnect"} if "kong-konnect" in PLANNED else {}
"""Read already, to tell what the alias ``kong`` means, for a plugin that isn't there yet."""


def variables() -> dict[str, str | None]:
    """Name → default as it would be written in the environment; None where the code computes it."""
    found: dict[str, str | None] = {}
    for path, tree in trees().items():
        prefix = _prefix(tree)
        for call in calls(tree):
            name, default = _read_by(call, prefix)
            if name is not None and name not in LATER and path != "portal/config/env.py":
                found[name] = _written(default)
    return found


def _prefix(tree: ast.Module) -> str:
    """What a plugin's module writes once for the names of all its settings: ``_PREFIX = "PLUGIN_ACME_"``."""
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return next((text_of(node.value) or "" for node in assigned if name_of(node.targets[0]) == "_PREFIX"), "")


def _read_by(call: ast.Call, prefix: str) -> tuple[str | None, ast.expr | None]:
    first = call.args[0] if call.args else None
    match call.func:
        case ast.Attribute(value=ast.Name(id="env"), attr="choice" | "matching"):
            return text_of(first), call.args[2]
        case ast.Attribute(value=ast.Name(id="env"), attr=reader) if reader in READERS:
            absent = ast.Constant(False) if reader == "flag" else ast.Constant("")
            return text_of(first) or _example(first), call.args[1] if len(call.args) > 1 else absent
        case ast.Attribute(value=ast.Attribute(attr="environ"), attr="get") | ast.Name(id="get_config"):
            return text_of(first), None
    # provisioning.config's readers: text(get_config, "PLUGIN_…", default)
    if first is not None and name_of(first) == "get_config" and len(call.args) > 1:
        return _name(call.args[1], prefix), call.args[-1] if len(call.args) > 2 else None
    return None, None


def _example(node: ast.expr | None) -> str | None:
    """``f"OIDC_{name}_ISSUER"``, which stands for any name: the pages call it EXAMPLE."""
    match node:
        case ast.JoinedStr(values=[ast.Constant() as before, ast.FormattedValue(), ast.Constant() as behind]):
            return f"{before.value}EXAMPLE{behind.value}"
    return None


def _name(node: ast.expr, prefix: str) -> str | None:
    """``"PLUGIN_ACME_URL"``, ``f"{_PREFIX}URL"``, or ``"URL"`` for a reader that puts the prefix before it."""
    match node:
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id="_PREFIX")), ast.Constant() as rest]):
            return prefix + str(rest.value)
        case ast.Constant(value=str() as name):
            return name if name.startswith(prefix) else prefix + name
    return None


def _written(default: ast.expr | None) -> str | None:
    match default:
        case ast.Constant(value=bool() as value):
            return str(value).lower()
        case ast.Constant(value=str() | int() as value):
            return str(value)
    return None
