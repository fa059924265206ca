"""The id of the request at hand: in every line it logs, in its answer, and in what a person quotes."""

import re

from structlog.contextvars import get_contextvars

from portal.core.ids import random_base62

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id_from(given: str | None) -> str:
    """The caller's own id if it can do no harm in a log, else a new one."""
    if given is not None and _ACCEPTED.fullmatch(given):
        return given
    return f"req_{random_base62(20)}"


def current_request_id() -> str | None:
    """The id of the request that this thread answers; None outside of one."""
    found = get_contextvars().get("request_id")
    return None if found is None else str(found)
