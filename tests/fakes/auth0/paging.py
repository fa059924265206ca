"""Auth0's two ways to page through a list."""

from collections.abc import Callable
from typing import Any

from tests.fakes.auth0.refusals import refused
from tests.fakes.auth0.shapes import Check, boolean, number, text
from tests.fakes.faulty import Answer

OFFSET: dict[str, Check] = {"page": number(0), "per_page": number(1, 100), "include_totals": boolean}
CHECKPOINT: dict[str, Check] = {"from": number(0), "take": number(1, 100)}
FIELDS: dict[str, Check] = {"fields": text(1), "include_fields": boolean}


def paged(
    name: str, ids: list[str], show: Callable[[str], Any], query: dict[str, str], *, total: int | None = None
) -> Answer:
    """The page that ``query`` asks for; ``total`` is what it claims when that is not the truth."""
    if "from" in query or "take" in query:
        if "page" in query or "per_page" in query:
            raise refused(400, "Either page or checkpoint parameters, not both", "invalid_query_string")
        start, size = int(query.get("from", 0)), int(query.get("take", 50))
        answer = {name: [show(id) for id in ids[start : start + size]]}
        return 200, {**answer, "next": str(start + size)} if start + size < len(ids) else answer
    size = int(query.get("per_page", 50))
    start = int(query.get("page", 0)) * size
    shown = [show(id) for id in ids[start : start + size]]
    if query.get("include_totals") != "true":
        return 200, shown
    claimed = len(ids) if total is None else total
    return 200, {name: shown, "start": start, "limit": size, "total": claimed}


def projected(thing: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    """Only the fields that were asked for, or all but those."""
    if "fields" not in query:
        return thing
    named, include = query["fields"].split(","), query.get("include_fields") != "false"
    return {name: value for name, value in thing.items() if (name in named) == include}
