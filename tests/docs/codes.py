"""Every error code in the sources, with the HTTP status it is answered with where that is fixed."""

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module

from rest_framework.exceptions import NotAuthenticated

from portal.core.errors import PortalError
from portal.core.problems import status_of
from provisioning.errors import ProvisioningError
from tests.docs.sources import calls, functions, keyword, name_of, text_of, trees

CARRIERS = {"problem": 1, "problem_response": 1, "Problem": 0, "finish": 2, "retry_later": 1, "fail_key": 1}
"""Functions that take a code, and its position."""

PASSED_ON = frozenset({"code", "error_code"})
"""Attributes of errors and operations: the code was found where it came from."""


@dataclass
class Codes:
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Code → HTTP statuses; none for what only operations and plugins report."""
    unclear: list[str] = field(default_factory=list)
    """Places where the code is no literal, so that nobody could look it up."""


def error_classes() -> dict[str, type[Exception]]:
    """The classes of errors that have a code, by name."""
    found: dict[str, type[Exception]] = {}
    for path, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.bases:
                kind = getattr(import_module(path.removesuffix(".py").replace("/", ".")), node.name)
                if issubclass(kind, PortalError | ProvisioningError):
                    found[node.name] = kind
    return found


def find_codes() -> Codes:
    codes, classes = Codes(), error_classes()
    # The framework's own words for a request without credentials, as handle() passes them on.
    codes.statuses[NotAuthenticated.default_code] |= {401}
    for name, kind in classes.items():
        for code in _own_codes(name):
            codes.statuses[code] |= _statuses(kind)
    for path, function in functions():
        for call in calls(function):
            _look_at(call, function, path, classes, codes)
    return codes


def _look_at(
    call: ast.Call, function: ast.FunctionDef, path: str, classes: dict[str, type[Exception]], codes: Codes
) -> None:
    name = name_of(call.func)
    if name in classes and not _own_codes(name):
        code, statuses = call.args[0], _statuses(classes[name])
    elif name in CARRIERS and len(call.args) > CARRIERS[name]:
        code, first = call.args[CARRIERS[name]], call.args[0]
        statuses = (
            {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, int) else set()
        )
    elif name == "AuthenticationFailed":
        code, statuses = keyword(call, "code"), {401}
    else:
        code, statuses = keyword(call, "error_code"), set()
        if code is None:
            return
    found = _literals(code, function)
    if found is None:
        codes.unclear.append(f"{path}:{call.lineno}")
    for literal in found or ():
        codes.statuses[literal] |= statuses


def _literals(node: ast.expr | None, function: ast.FunctionDef) -> set[str] | None:
    """The texts that an expression can be; None when nobody can tell."""
    match node:
        case ast.Constant(value=str() as text):
            return {text} if text else set()
        case ast.IfExp(body=body, orelse=orelse):
            return _all(body, orelse, function=function)
        case ast.BoolOp(values=values):
            return _all(*values, function=function)
        case ast.Attribute(attr=attr) if attr in PASSED_ON:
            return set()
        case ast.Call(func=ast.Attribute(attr="get_codes")):
            return set()  # the framework's; AuthenticationFailed and its default are looked for apart
        case ast.Name(id=name) if function.name in CARRIERS and name in _parameters(function):
            return set()  # its callers' codes are found there
        case ast.Name(id=name):
            assigned = [
                statement.value
                for statement in ast.walk(function)
                if isinstance(statement, ast.Assign) and name_of(statement.targets[0]) == name
            ]
            return _all(*assigned, function=function) if assigned else None
        case _:
            return None


def _all(*parts: ast.expr, function: ast.FunctionDef) -> set[str] | None:
    found = [_literals(part, function) for part in parts]
    return None if None in found else set().union(*(texts for texts in found if texts))


def _parameters(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in function.args.args}


def _own_codes(name: str) -> set[str]:
    """The code that a class fixes itself, with ``super().__init__("not_found", …)``."""
    own = set()
    for tree in trees().values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                for call in calls(node):
                    code = text_of(call.args[0]) if call.args else None
                    if code and name_of(call.func) == "__init__":
                        own.add(code)
    return own


def _statuses(kind: type[Exception]) -> set[int]:
    """What the API answers such an error with; nothing for what plugins raise."""
    return {status_of(kind.__new__(kind))} if issubclass(kind, PortalError) else set()
