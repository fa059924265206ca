"""What API Gateway sends: REST ``TOKEN`` and ``REQUEST`` events, HTTP API payloads 1.0 and 2.0."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_STAGE_ARN: Final = re.compile(r"(arn:[^:\s]+:execute-api:[^:\s]*:[^:\s]*:[^/\s]+/[^/\s]+)/.*", re.DOTALL)
_BEARER: Final = re.compile(r"(?:bearer +)?(\S+)", re.IGNORECASE)


class BadEvent(ValueError):
    """Not from API Gateway: the function is called by something else, or configured for something else."""


@dataclass(frozen=True)
class Call:
    """One call that is to be allowed or not."""

    token: str | None = field(repr=False)
    """Without ``Bearer``; None when there is none, or more than one."""
    stage_arn: str
    """``arn:aws:execute-api:region:account:api/stage``."""
    route_key: str | None
    """``GET /orders/{id}``, of payload 2.0; all others want a policy."""


def read_event(event: object) -> Call:
    """Read any of the four kinds; raises BadEvent."""
    if not isinstance(event, Mapping):
        raise BadEvent("the event is no object")
    is_second = event.get("version") == "2.0"
    arn = event.get("routeArn" if is_second else "methodArn")
    stage_arn = _STAGE_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if stage_arn is None:
        raise BadEvent("the event names no method or route by ARN")
    text = event.get("authorizationToken") if event.get("type") == "TOKEN" else _authorization(event)
    return Call(_without_bearer(text), stage_arn[1], str(event.get("routeKey")) if is_second else None)


def _authorization(event: Mapping[str, object]) -> object:
    """The header in any case; with two that differ, none: the API behind may read the other."""
    headers, lists = event.get("headers"), event.get("multiValueHeaders")
    found: list[object] = []
    if isinstance(headers, Mapping):
        found += [value for name, value in headers.items() if str(name).lower() == "authorization"]
    if isinstance(lists, Mapping):
        for name, values in lists.items():
            if str(name).lower() == "authorization" and isinstance(values, list):
                found += values
    return found[0] if found and all(value == found[0] for value in found) else None


def _without_bearer(text: object) -> str | None:
    parts = _BEARER.fullmatch(text.strip()) if isinstance(text, str) else None
    return parts and parts[1]
