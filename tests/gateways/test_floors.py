"""What runs beside gateways imports nothing of this repository but ``tokens``, and its own package."""

import ast
from pathlib import Path

import pytest

from portal.core.recipes import FOLDER

OF_THIS_REPOSITORY = {
    path.stem for path in FOLDER.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
}
LEFT_OUT = {"build", "node_modules", "__pycache__"}


def files() -> list[Path]:
    found = sorted(FOLDER.rglob("*.py"))
    return [path for path in found if not LEFT_OUT & set(path.relative_to(FOLDER).parts)]


def imported(path: Path) -> set[str]:
    """Top-level names, imports within functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_the_floors_are_known() -> None:
    assert {"tokens", "portal", "provisioning", "tests", "bench", "manage"} <= OF_THIS_REPOSITORY
    assert any("tokens" in imported(path) for path in files())


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_only_tokens_is_imported(path: Path) -> None:
    assert imported(path) & OF_THIS_REPOSITORY <= {"tokens"}
