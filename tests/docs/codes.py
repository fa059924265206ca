"""Every error code in the sources, with the HTTP status it is answered with where that is fixed."""

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product

from rest_framework.exceptions import NotAuthenticated

from portal.core.errors import PortalError
from portal.core.problems import status_of
from provisioning.errors import ProvisioningError
from tests.docs.sources import calls, functions, keyword, name_of, text_of, trees

CARRIERS = {
    "problem": 1,
    "problem_response": 1,
    "Problem": 0,
    "finish": 2,
    "retry_later": 1,
    "fail_key": 1,
    "fail_operation": 1,
    "_unheard": 0,
}
"""Functions that take a code, and its position."""

PASSED_ON = frozenset({"code", "error_code", "refused_code"})
"""Attributes of errors and operations: the code was found where it came from."""


@dataclass
class Codes:
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Code → HTTP statuses; none for what only operations and plugins report."""
    unclear: list[str] = field(default_factory=list)
    """Places where the code is no literal, so that nobody could look it up."""


def error_classes() -> list[type[Exception]]:
    """The classes of errors that have a code; two may share a name."""
    found = []
    for path, tree in trees().items():
        for node in tree.body:
            kind = error_class(path, node.name) if isinstance(node, ast.ClassDef) and node.bases else None
            if kind is not None:
                found.append(kind)
    return found


def error_class(path: str, name: str) -> type[Exception] | None:
    """The class of errors that is called ``name`` in that file; None when it stands for something else."""
    kind = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, PortalError | ProvisioningError) else None


def find_codes() -> Codes:
    codes = Codes()
    # The framework's own words for a request without credentials, as handle() passes them on.
    codes.statuses[NotAuthenticated.default_code] |= {401}
    for kind in error_classes():
        for code in _own_codes(kind):
            codes.statuses[code] |= _statuses(kind)
    for path, function in functions():
        for call in calls(function):
            _look_at(call, function, path, codes)
    return codes


def _look_at(call: ast.Call, function: ast.FunctionDef, path: str, codes: Codes) -> None:
    name = name_of(call.func)
    kind = error_class(path, name)
    if kind is not None and not _own_codes(kind):
        code, statuses = call.args[0], _statuses(kind)
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
        case ast.JoinedStr(values=values):
            return _joined(values, function)
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


def _joined(parts: list[ast.expr], function: ast.FunctionDef) -> set[str] | None:
    """All that an f-string can be."""
    texts = [
        _literals(part.value if isinstance(part, ast.FormattedValue) else part, function) for part in parts
    ]
    return None if None in texts else {"".join(chosen) for chosen in product(*filter(None, texts))}


def _parameters(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in function.args.args}


def _own_codes(kind: type[Exception]) -> set[str]:
    """The code that a class fixes itself, with ``super().__init__("not_found", …)``."""
    own = set()
    for node in trees()[kind.__module__.replace(".", "/") + ".py"].body:
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            for call in calls(node):
                code = text_of(call.args[0]) if call.args else None
                if code and name_of(call.func) == "__init__":
                    own.add(code)
    return own


def _statuses(kind: type[Exception]) -> set[int]:
    """What the API answers such an error with; nothing for what plugins raise."""
    return {status_of(kind.__new__(kind))} if issubclass(kind, PortalError) else set()
