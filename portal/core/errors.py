"""Refusals that every door renders: a stable code, and a sentence a person can act on."""

import math
from collections.abc import Mapping
from datetime import timedelta


class PortalError(Exception):
    """A rule of the portal said no. Nothing was stored unless ``detail`` says otherwise.

    ``code`` is stable snake_case and listed in docs/errors.md; ``errors`` names bad fields.
    """

    def __init__(self, code: str, detail: str, *, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = dict(errors or {})


class Malformed(PortalError):
    """The request can't be read (400)."""


class Invalid(PortalError):
    """A value is well-formed but not acceptable (422)."""

    @classmethod
    def field(cls, name: str, problem: str) -> "Invalid":
        return cls("invalid", f"{name}: {problem}", errors={name: [problem]})


class Unauthenticated(PortalError):
    """Nobody who is known asks (401)."""


class NotAllowed(PortalError):
    """The actor is known and lacks the right (403)."""


class NotFound(PortalError):
    """No such object, or none that the actor may see (404)."""

    def __init__(self, noun: str) -> None:
        super().__init__("not_found", f"There is no such {noun}, or you may not see it.")


class Conflict(PortalError):
    """The object's present state forbids it (409)."""


class LimitReached(Conflict):
    """A limit of the plan is used up (409)."""


class TooMany(PortalError):
    """A rate limit is used up for now (429)."""

    def __init__(self, code: str, detail: str, *, retry_after: timedelta) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after

    @property
    def retry_after_seconds(self) -> int:
        """For the header: whole seconds, after which it is allowed."""
        return max(1, math.ceil(self.retry_after.total_seconds()))


class Gone(PortalError):
    """It was there and never will be again (410)."""


class Unavailable(PortalError):
    """A part that is needed can't serve now; repeating later is right (503)."""
