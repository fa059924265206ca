"""A key as its pages show it: words, not codes."""

from dataclasses import dataclass

from portal.models import IssuedKey
from portal.web.words import from_now


@dataclass(frozen=True)
class Status:
    """A badge's words and tone, and what the state means for the key's holder."""

    words: str
    tone: str
    meaning: str = ""


_UPDATES = "This page updates itself."
STATUS = {
    "requested": Status("Being created", "busy", f"The gateway is being told. {_UPDATES}"),
    "active": Status("Active", "good"),
    "revoking": Status("Being revoked", "busy", f"Its gateway is being told to refuse it. {_UPDATES}"),
    "revoked": Status("Revoked", "idle", "This key doesn't work any more and can't be brought back."),
    "expired": Status("Expired", "idle", "Its time is up. Create another key to go on."),
    "failed": Status("Failed", "bad", "It could not be created, and nothing of it exists. Try another one."),
    "needs_attention": Status(
        "Needs attention",
        "warn",
        "Something stopped half-way. We look at it; there is nothing for you to do.",
    ),
}
FILTERS = ("active", "requested", "expired", "revoked", "failed", "needs_attention")


def status_of_key(key: IssuedKey) -> Status:
    """What to say of the key now; one that was replaced tells how long it has left."""
    if key.shown_status == "active" and key.retires_at is not None:
        if key.is_usable:
            return Status(
                "Being replaced",
                "warn",
                f"A newer key replaces it. It stops working {from_now(key.retires_at)}.",
            )
        return Status("Replaced", "idle", "A newer key replaced it. It doesn't work any more.")
    return STATUS[key.shown_status]


def expiry_words(key: IssuedKey) -> str:
    """When the key stops or stopped working by itself: ``in 30 days``, ``never``; empty when it won't."""
    if key.shown_status not in ("active", "expired"):
        return ""
    return from_now(key.expires_at) if key.expires_at is not None else "never"


def masked(key: IssuedKey) -> str:
    """The ends of the secret, to tell keys apart; empty before there is one."""
    return f"{key.prefix}…{key.last4}" if key.last4 else ""
