"""The product's source files, parsed once, for tests that hold documents against them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def trees() -> dict[str, ast.Module]:
    """Path within the repository → syntax tree, of everything that runs in the product."""
    files = [path for package in ("portal", "provisioning") for path in (ROOT / package).rglob("*.py")]
    ours = [path for path in files if not {"migrations", "testing"} & set(path.parts)]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(ours)}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method, with its file; what is nested comes with each of its outer ones."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield path, node


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(node: ast.expr) -> str:
    """The last part of what is called or inherited from: ``exceptions.NotFound`` → ``NotFound``."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def text_of(node: ast.expr | None) -> str | None:
    """A literal text, else None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((given.value for given in call.keywords if given.arg == name), None)
