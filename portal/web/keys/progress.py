"""A key on its way: what is done, what comes next, and why it stopped, in the customer's words.

What staff read of an operation, its error code and detail, names providers and settings: none of it is shown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.clock import now
from portal.models import IssuedKey, Operation
from portal.web.keys.words import Words

State, Key = Operation.State, IssuedKey.Status
OFTEN_SECONDS, SELDOM_SECONDS = 2, 15
"""How often the page looks again; less often what has been failing for a while."""
_A_WHILE = timedelta(minutes=10)
_CREATING = (gettext_lazy("Asked for"), gettext_lazy("Gateway is being told"), gettext_lazy("Ready"))
_REVOKING = (
    gettext_lazy("Refused by the portal"), gettext_lazy("Gateway is being told"), gettext_lazy("Revoked"),
)  # fmt: skip
_MEANING: dict[tuple[bool, str], Words] = {
    (False, "asked"): gettext_lazy("Your key was asked for; the gateway is told next."),
    (False, "telling"): gettext_lazy("The gateway is being told. That usually takes a few seconds."),
    (False, "retrying"): gettext_lazy(
        "The gateway hasn't taken it yet. We go on trying by ourselves; nothing can be used until it does, "
        "and there is nothing for you to do."
    ),
    (False, "attention"): gettext_lazy(
        "This key isn't ready: its creation stopped, and nothing can be used yet. "
        "We have to finish that by hand; there is nothing for you to do."
    ),
    (True, "asked"): gettext_lazy("The portal refuses this key already; its gateway is told next."),
    (True, "telling"): gettext_lazy(
        "Its gateway is being told to refuse it. That usually takes a few seconds."
    ),
    (True, "retrying"): gettext_lazy(
        "Its gateway hasn't confirmed it yet. We go on trying by ourselves; until it does, the key may work "
        "there. There is nothing for you to do."
    ),
    (True, "attention"): gettext_lazy(
        "It isn't removed everywhere yet, so it may work for some more time. "
        "We have to finish that by hand; there is nothing for you to do."
    ),
}


@dataclass(frozen=True)
class Step:
    words: Words
    state: str
    """``done``, ``current`` or ``next``."""


@dataclass(frozen=True)
class Progress:
    phase: str
    """``asked``, ``telling``, ``retrying`` or ``attention``."""
    meaning: Words
    steps: tuple[Step, ...]
    since: datetime | None
    """When it failed first, while it is being tried again."""

    @property
    def every(self) -> int:
        """Seconds until the page looks again; 0 is never, by itself."""
        if self.phase == "attention":
            return 0
        return SELDOM_SECONDS if self.since and self.since + _A_WHILE < now() else OFTEN_SECONDS

    @property
    def seen(self) -> str:
        """What a page tells that shows this, so that only news is sent."""
        return f"{self.phase}-{self.every}"


def progress_of(key: IssuedKey, operation: Operation | None) -> Progress | None:
    """How far ``operation``, the key's newest, has come; None when nothing is under way."""
    if key.status not in (Key.REQUESTED, Key.REVOKING, Key.NEEDS_ATTENTION):
        return None
    revoking, phase = key.status == Key.REVOKING, _phase(key, operation)
    since = operation.failing_since if operation and phase == "retrying" else None
    at = 0 if phase == "asked" else 1
    steps = tuple(
        Step(words, "done" if place < at else "current" if place == at else "next")
        for place, words in enumerate(_REVOKING if revoking else _CREATING)
    )
    return Progress(phase, _MEANING[revoking, phase], steps, since)


def _phase(key: IssuedKey, operation: Operation | None) -> str:
    stopped = operation is not None and operation.state == State.NEEDS_ATTENTION
    if stopped or key.status == Key.NEEDS_ATTENTION:
        return "attention"
    if operation is None:
        return "asked"
    if operation.failing_since is not None:
        return "retrying"
    return "telling" if operation.state == State.RUNNING else "asked"


_SCOPES = gettext_lazy("It was asked for with a right that the gateway doesn't offer.")
_REASONS: dict[str, Words] = {
    "invalid_scope": _SCOPES,
    "auth0_scope_not_offered": _SCOPES,
    "invalid_lifetime": gettext_lazy("It was asked for with a lifetime that the gateway doesn't allow."),
    "auth0_organization_full": gettext_lazy(
        "The gateway holds as many keys of yours as it can. Revoke one that nobody needs first."
    ),
    "cancelled": gettext_lazy("It was called off before it was ready."),
}


def failure_words(operation: Operation | None) -> str:
    """Why a key failed, as far as its customer can act on it, and that nothing of it exists."""
    code = operation.error_code if operation else ""
    reason = _REASONS.get(code, gettext_lazy("The gateway refused to create it."))
    return _("%(reason)s Nothing of it exists, and it doesn't count against your plan. Try another one.") % {
        "reason": reason
    }
