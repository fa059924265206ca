"""The fail points, read from the code: a new one is in the campaign by being there."""

import ast
from pathlib import Path

PORTAL = Path(__file__).parents[2] / "portal"


def fail_points() -> dict[str, str]:
    """Name → the file that has it. Fails on a name that isn't a constant or isn't unique."""
    found: dict[str, str] = {}
    for path in sorted(PORTAL.rglob("*.py")):
        if "failpoint" not in (text := path.read_text()):
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(func=ast.Name(id="failpoint"), args=[ast.Constant(value=str() as name)]):
                    assert name not in found, f"{name} is in {found[name]} and in {path}"
                    found[name] = str(path.relative_to(PORTAL.parent))
                case ast.Call(func=ast.Name(id="failpoint")):
                    raise AssertionError(f"{path}:{node.lineno}: a fail point's name is a constant")
    return found
