"""A key as its pages show it: words, not codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from portal.core.plugins import plugin_label, token_lifetime
from portal.models import IssuedKey
from portal.web.words import from_now, lasting

Words = str | Promise
_LABELS_OF_PLUGINS = (gettext_noop("Signed key (JWT)"), gettext_noop("OAuth client"))
"""Those of the built-in plugins, so that translators meet them."""


@dataclass(frozen=True)
class Status:
    """A badge's words and tone, and what the state means for the key's holder."""

    words: Words
    tone: str
    meaning: Words = ""


STATUS = {
    "requested": Status(pgettext_lazy("key", "Being created"), "busy"),
    "active": Status(pgettext_lazy("key", "Active"), "good"),
    "revoking": Status(pgettext_lazy("key", "Being revoked"), "busy"),
    "revoked": Status(
        pgettext_lazy("key", "Revoked"),
        "idle",
        gettext_lazy("This key doesn't work any more and can't be brought back."),
    ),
    "expired": Status(
        pgettext_lazy("key", "Expired"),
        "idle",
        gettext_lazy("Its time is up, so it doesn't work any more. Create another key to go on."),
    ),
    "failed": Status(pgettext_lazy("key", "Failed"), "bad"),
    "needs_attention": Status(pgettext_lazy("key", "Needs attention"), "warn"),
}
"""What is on its way, and what went wrong, says more than a sentence here: ``progress``."""
REPLACED = Status(
    pgettext_lazy("key", "Replaced"),
    "idle",
    gettext_lazy("A newer key replaced it. It doesn't work any more."),
)
BEING_REPLACED = Status(pgettext_lazy("key", "Being replaced"), "warn")
FILTERS = ("active", "requested", "revoking", "expired", "revoked", "failed", "needs_attention")


def status_of_key(key: IssuedKey) -> Status:
    """What to say of the key now; one that has a successor is being replaced, or was."""
    if key.shown_status == "active" and key.retires_at is not None:
        return BEING_REPLACED if key.is_usable else REPLACED
    return STATUS[key.shown_status]


def kind_words(slug: str) -> str:
    """What people call keys of that plugin."""
    return _(plugin_label(slug))


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
    label: Words
    text: str = field(repr=False)


_LABELS: dict[str, Words] = {
    "client_id": gettext_lazy("Client ID"),
    "client_secret": gettext_lazy("Client secret"),
    "token_url": gettext_lazy("Token URL"),
    "audience": gettext_lazy("Audience"),
}


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
    return from_now(key.expires_at) if key.expires_at is not None else _("never")


def last_use_words(key: IssuedKey) -> str:
    """Instead of an instant, for keys whose use the portal has not seen; empty before there is a key.

    It sees what gateways ask it, and never what they verify by themselves.
    """
    if key.activated_at is None or key.last_used_at is not None:
        return ""
    return _("not seen yet") if key.jti else _("unknown")


def masked(key: IssuedKey) -> str:
    """The ends of the secret, to tell keys apart; empty before there is one."""
    return f"{key.prefix}…{key.last4}" if key.last4 else ""
