"""JSON objects from strangers, read strictly."""

import json
import math
from typing import Final, NoReturn

MAX_DEPTH: Final = 32


def parse_object(octets: bytes) -> dict[str, object]:
    """Return the object that the UTF-8 octets spell.

    Raises ValueError, and nothing else, for what is no JSON object, and for what other parsers read
    another way (RFC 8259 4, 6, 8): repeated members, NaN and Infinity, numbers beyond a double, lone
    surrogates; also for nesting deeper than ``MAX_DEPTH``.
    """
    try:
        value = json.loads(
            octets.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    _walk(value)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _walk(value: object) -> None:
    """Raises ValueError for depth and, as UnicodeEncodeError, for lone surrogates."""
    pending = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(item, str):
            item.encode("utf-8")
        elif isinstance(item, dict):
            pending += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            pending += [(part, depth + 1) for part in item]
