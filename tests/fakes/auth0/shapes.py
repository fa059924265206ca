"""What bodies and queries may hold. A check gives the problem with a value, or None."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Check = Callable[[Any], str | None]
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"


@dataclass(frozen=True)
class Shape:
    """An object that has exactly these members; calling it is a check too."""

    members: dict[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def __call__(self, value: Any) -> str | None:
        if not isinstance(value, dict):
            return _expected("object", value)
        if unknown := sorted(set(value) - set(self.members)):
            return f"Additional properties not allowed: {', '.join(unknown)}"
        if missing := [name for name in self.required if name not in value]:
            return f"Missing required property: {missing[0]}"
        for name, member in value.items():
            if problem := self.members[name](member):
                return f"{problem} on property {name}"
        return None


def text(least: int = 0, most: int = 1000, pattern: str = r"(?s).*") -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return _expected("string", value)
        if not least <= len(value) <= most:
            return f"String has {len(value)} characters, allowed are {least} to {most},"
        return None if re.fullmatch(pattern, value) else f"String does not match pattern {pattern}"

    return check


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else _expected("boolean", value)


def one_of(*allowed: str) -> Check:
    def check(value: Any) -> str | None:
        known = isinstance(value, str) and value in allowed
        return None if known else f"No enum match for: {value!r}"

    return check


def texts(each: Check, least: int = 0, most: int = 1000) -> Check:
    """An array whose items pass ``each`` and do not repeat."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return _expected("array", value)
        if not least <= len(value) <= most:
            return f"Array has {len(value)} items, allowed are {least} to {most},"
        problem = next((found for item in value if (found := each(item))), None)
        return problem or (None if len(set(value)) == len(value) else "Array items are not unique")

    return check


def metadata(keys: int, *, removable: bool = False) -> Check:
    """An object of at most so many texts of at most 255; null removes one where that is allowed."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return _expected("object", value)
        if len(value) > keys:
            return f"Too many properties defined ({len(value)}), maximum {keys},"
        for name, member in value.items():
            if not 1 <= len(name) <= 255:
                return "A key has too many characters"
            if not (removable and member is None) and (problem := text(0, 255)(member)):
                return problem
        return None

    return check


def document(value: Any) -> str | None:
    """Any object without ``.`` and ``$`` in its keys, at any depth."""
    return _clean(value) if isinstance(value, dict) else _expected("object", value)


def number(least: int, most: int = 10**9) -> Check:
    """In a query: digits."""

    def check(value: Any) -> str | None:
        digits = value.isascii() and value.isdigit()
        return None if digits and least <= int(value) <= most else f"{value!r} is not from {least} to {most}"

    return check


boolean = one_of("true", "false")
"""In a query."""


def _clean(value: Any) -> str | None:
    if isinstance(value, dict):
        bad = next((name for name in value if "." in name or "$" in name), None)
        return f"Key {bad} holds . or $" if bad else next(filter(None, map(_clean, value.values())), None)
    return next(filter(None, map(_clean, value)), None) if isinstance(value, list) else None


def _expected(wanted: str, value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return f"Expected type {wanted} but found type {names.get(type(value), 'number')}"
