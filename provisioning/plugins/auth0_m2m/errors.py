"""What goes wrong at Auth0, in the portal's words: no body of Auth0's ever enters a message."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from provisioning.errors import Misconfigured, OutcomeUnknown, ProvisioningError, Rejected, Transient
from provisioning.http import retry_after

LONGEST_RESET = timedelta(minutes=1)
QUIET = timedelta(seconds=2)
"""After a 429 that says nothing about when to come back."""


class MissingScope(Misconfigured):
    """The portal's application at Auth0 was not granted ``scope``."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            "auth0_scope_missing",
            f"The portal's application at Auth0 lacks the permission {scope} on the Auth0 Management API. "
            "Grant it there, then retry.",
        )
        self.scope = scope


class NotThere(Rejected):
    """404: Auth0 knows no such object."""


class AlreadyThere(Rejected):
    """409: there is one already; nothing was created."""


class LimitReached(Misconfigured):
    """403: there are as many objects of this kind as Auth0 allows; nothing was created."""


class RateLimited(Transient):
    """429; ``retry_after`` is always told."""


def connection_error(exc: httpx.HTTPError, *, write: bool) -> ProvisioningError:
    """What it means that there was no answer, or none to the end."""
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Transient("auth0_unreachable", "Auth0 can't be reached. Nothing was done.")
    return _unheard("auth0_no_answer", "Auth0 gave no answer in time.", write=write)


def status_error(status: int, headers: Mapping[str, str], body: Any, *, write: bool) -> ProvisioningError:
    """What an answer other than 2xx means; 401 and ``insufficient_scope`` are seen to before."""
    if status == 429:
        told = "Auth0 limits our rate. Nothing was done."
        return RateLimited("auth0_rate_limited", told, retry_after=_quiet_time(headers))
    if status == 404:
        return NotThere("auth0_not_found", "Auth0 knows no such object.")
    if status == 409:
        return AlreadyThere("auth0_conflict", "Auth0 has such an object already.")
    if status == 403:
        return _forbidden(body)
    if 400 <= status < 500 and status != 408:
        return Rejected("auth0_refused", f"Auth0 refused the request with status {status}.")
    return _unheard("auth0_failed", f"Auth0 answered {status}.", write=write)


def unusable(*, write: bool) -> ProvisioningError:
    return _unheard("auth0_unusable_answer", "Auth0's answer can't be understood.", write=write)


def lacks_scope(status: int, body: Any) -> bool:
    """Whether the answer says that our token may not do this, as Auth0's API does in two places."""
    told = body if status == 403 and isinstance(body, Mapping) else {}
    return told.get("errorCode") == "insufficient_scope" or "insufficient scope" in str(
        told.get("message", "")
    ).lower().replace("_", " ")


def _forbidden(body: Any) -> ProvisioningError:
    if isinstance(body, Mapping) and body.get("errorCode") == "too_many_entities":
        return LimitReached(
            "auth0_limit_reached",
            "The Auth0 tenant has as many objects of this kind as its plan allows. Nothing was done. "
            "Delete what nobody needs there or change the plan, then retry.",
        )
    return Misconfigured("auth0_forbidden", "Auth0 forbids this to the portal's application.")


def _unheard(code: str, told: str, *, write: bool) -> ProvisioningError:
    if write:
        return OutcomeUnknown(code, f"{told} It may have acted all the same.")
    return Transient(code, told)


def _quiet_time(headers: Mapping[str, str]) -> timedelta:
    """From ``Retry-After``, else ``x-ratelimit-reset``, which is in seconds since 1970."""
    present = datetime.now(UTC)
    named = retry_after(headers, present)
    if named is not None:
        return named
    reset = headers.get("x-ratelimit-reset", "")
    if reset.isdecimal() and len(reset) < 12:
        return min(max(datetime.fromtimestamp(int(reset), UTC) - present, QUIET), LONGEST_RESET)
    return QUIET
