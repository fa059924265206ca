"""A key as its pages show it: words, not codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from portal.core.plugins import token_lifetime
from portal.models import IssuedKey, Operation
from portal.web.words import from_now, lasting


@dataclass(frozen=True)
class Status:
    """A badge's words and tone, and what the state means for the key's holder."""

    words: str
    tone: str
    meaning: str = ""


_UPDATES = "This page updates itself."
_OURS = "We have to finish that by hand; there is nothing for you to do."
STATUS = {
    "requested": Status("Being created", "busy", f"The gateway is being told. {_UPDATES}"),
    "active": Status("Active", "good"),
    "revoking": Status("Being revoked", "busy", f"Its gateway is being told to refuse it. {_UPDATES}"),
    "revoked": Status("Revoked", "idle", "This key doesn't work any more and can't be brought back."),
    "expired": Status("Expired", "idle", "Its time is up. Create another key to go on."),
    "failed": Status("Failed", "bad", "It could not be created, and nothing of it exists. Try another one."),
    "needs_attention": Status(
        "Needs attention", "warn", f"This key isn't ready: its creation stopped. {_OURS}"
    ),
}
_STOPPED = Status(
    "Being revoked", "warn", f"It isn't removed everywhere yet, so it may work for some more time. {_OURS}"
)
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


def status_of_one(key: IssuedKey) -> Status:
    """The same for a page of its own, which also says when a revocation waits for a person. One query."""
    if (
        key.status == IssuedKey.Status.REVOKING
        and key.operations.filter(state=Operation.State.NEEDS_ATTENTION).exists()
    ):
        return _STOPPED
    return status_of_key(key)


@dataclass(frozen=True)
class TokensLeft:
    """How long access tokens work that were fetched with a key that ends: until then, or so long after."""

    until: datetime | None
    span: str


def tokens_left(key: IssuedKey) -> TokensLeft | None:
    """None while the key is in use, when all its tokens have expired, and when nothing is fetched with it."""
    lifetime = token_lifetime(key.plugin)
    ended = key.status in ("revoking", "revoked") or key.shown_status == "expired" or key.retires_at
    until = key.tokens_valid_until
    if lifetime is None or not ended or not key.external_id or IssuedKey.is_past(until):
        return None
    return TokensLeft(until, lasting(lifetime))


@dataclass(frozen=True)
class Part:
    """One line of what the customer gets; an OAuth client has several."""

    name: str
    label: str
    text: str = field(repr=False)


_LABELS = {
    "client_id": "Client ID", "client_secret": "Client secret", "token_url": "Token URL",
    "audience": "Audience",
}  # fmt: skip


def parts_of(members: Mapping[str, str]) -> list[Part]:
    """The members in the order in which they are needed, with their names for people."""
    names = [
        *(name for name in _LABELS if name in members),
        *(name for name in members if name not in _LABELS),
    ]
    return [Part(name, _LABELS.get(name, name), str(members[name])) for name in names]


def expiry_words(key: IssuedKey) -> str:
    """When the key stops or stopped working by itself: ``in 30 days``, ``never``; empty when it won't."""
    if key.shown_status not in ("active", "expired"):
        return ""
    return from_now(key.expires_at) if key.expires_at is not None else "never"


def masked(key: IssuedKey) -> str:
    """The ends of the secret, to tell keys apart; empty before there is one."""
    return f"{key.prefix}…{key.last4}" if key.last4 else ""
