"""What happened to a key, by whom, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy

from portal.models import AuditEvent, IssuedKey
from portal.web.keys.words import Words
from portal.web.names import names_of, who_is

NEWEST = 100
# Shorter than the sentences of the activity: each stands beside its key, who did it, and when.
_WORDS: dict[str, Words] = {
    "key.requested": gettext_lazy("Asked for"),
    "key.activated": gettext_lazy("Created"),
    "key.failed": gettext_lazy("Could not be created"),
    "key.revealed": gettext_lazy("Secret shown"),
    "key.revoking": gettext_lazy("Revocation begun"),
    "key.revoked": gettext_lazy("Revoked"),
    "key.retiring": gettext_lazy("Replaced by a newer key"),
    "key.expired": gettext_lazy("Expired"),
}


@dataclass(frozen=True)
class Happening:
    words: Words
    at: datetime
    who: str


def history_of(key: IssuedKey) -> list[Happening]:
    """Newest first. Two queries."""
    events = AuditEvent.objects.filter(object=key.public_id, customer=key.customer_id)
    newest = list(events.order_by("-id")[:NEWEST])
    names = names_of(key.customer, [event.actor for event in newest])
    words = dict(_WORDS)
    if key.status != IssuedKey.Status.FAILED:  # it stopped, and went on or will
        words["key.failed"] = gettext_lazy("Creation stopped")
    return [
        Happening(words.get(event.action, event.action), event.at, who_is(event.actor, names))
        for event in newest
    ]
