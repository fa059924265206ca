"""What can go wrong at a provider, as the engine distinguishes it.

A message is read by people and stored with the operation: it never holds a remote body, a
secret or an e-mail address. Translate at the plugin's edge:
``raise Rejected("kong_duplicate", "…") from exc``.
"""

from datetime import timedelta


class ProvisioningError(Exception):
    """A plugin could not do what was asked. ``code`` is stable snake_case, ``detail`` a sentence."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Transient(ProvisioningError):
    """Nothing happened; the same call may succeed later, not before ``retry_after``."""

    def __init__(self, code: str, detail: str = "", *, retry_after: timedelta | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class OutcomeUnknown(Transient):
    """The request may have taken effect: a time-out or a reset after it was sent."""


class Rejected(ProvisioningError):
    """The provider refused and will refuse again. Nothing was created by this call."""


class Misconfigured(ProvisioningError):
    """Only the operator can mend this: a missing setting, permission or signing key."""
