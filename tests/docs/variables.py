"""Every environment variable that the sources read, with its default where that is a literal."""

import ast

from provisioning.registry import PLANNED
from tests.docs.sources import calls, name_of, text_of, trees

READERS = frozenset({
    "text", "choice", "flag", "number", "duration", "words", "origin", "url", "matching", "secrets",
})  # fmt: skip
"""Methods of ``portal.config.env.Env``."""

LATER = {"PLUGIN_KONNECT_PAT": "kong-konnect"} if "kong-konnect" in PLANNED else {}
"""Read already, to tell what the alias ``kong`` means, for a plugin that isn't there yet."""


def variables() -> dict[str, str | None]:
    """Name → default as it would be written in the environment; None where the code computes it."""
    found: dict[str, str | None] = {}
    for path, tree in trees().items():
        for call in calls(tree):
            name, default = _read_by(call)
            if name is not None and name not in LATER and path != "portal/config/env.py":
                found[name] = _written(default)
    return found


def _read_by(call: ast.Call) -> tuple[str | None, ast.expr | None]:
    first = call.args[0] if call.args else None
    match call.func:
        case ast.Attribute(value=ast.Name(id="env"), attr="choice" | "matching"):
            return text_of(first), call.args[2]
        case ast.Attribute(value=ast.Name(id="env"), attr=reader) if reader in READERS:
            absent = ast.Constant(False) if reader == "flag" else ast.Constant("")
            return text_of(first), call.args[1] if len(call.args) > 1 else absent
        case ast.Attribute(value=ast.Attribute(attr="environ"), attr="get") | ast.Name(id="get_config"):
            return text_of(first), None
    # provisioning.config's readers: text(get_config, "PLUGIN_…", default)
    if first is not None and name_of(first) == "get_config" and len(call.args) > 1:
        return text_of(call.args[1]), call.args[-1] if len(call.args) > 2 else None
    return None, None


def _written(default: ast.expr | None) -> str | None:
    match default:
        case ast.Constant(value=bool() as value):
            return str(value).lower()
        case ast.Constant(value=str() | int() as value):
            return str(value)
    return None
