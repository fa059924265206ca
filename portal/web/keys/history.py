"""What happened to a key, by whom, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.models import AuditEvent, IssuedKey, Membership
from portal.services.keys.unrevealed import REASON
from portal.web.keys.shown import Words

NEWEST = 100
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
_REASONS: dict[str, Words] = {
    "replaced": gettext_lazy("Replaced by a newer key"),
    REASON: gettext_lazy("Nobody fetched its secret in time"),
    "deleted at the provider": gettext_lazy("Deleted at the gateway"),
    "customer suspended": gettext_lazy("The customer was suspended"),
    "customer closed": gettext_lazy("The customer was closed"),
}
"""Those that the portal itself gives; what people wrote stays as it is."""


@dataclass(frozen=True)
class Happening:
    words: Words
    at: datetime
    who: str


def history_of(key: IssuedKey) -> list[Happening]:
    """Newest first. Two queries."""
    events = AuditEvent.objects.filter(object=key.public_id, customer=key.customer_id)
    newest = list(events.order_by("-id")[:NEWEST])
    names = _names({event.actor.partition(" ")[2] for event in newest}, key)
    words = dict(_WORDS)
    if key.status != IssuedKey.Status.FAILED:  # it stopped, and went on or will
        words["key.failed"] = gettext_lazy("Creation stopped")
    return [
        Happening(words.get(event.action, event.action), event.at, _actor(event.actor, names))
        for event in newest
    ]


def reason_words(reason: str) -> Words:
    return _REASONS.get(reason, reason)


def _names(public_ids: set[str], key: IssuedKey) -> dict[str, str]:
    """E-mails of the customer's own members; other people are not theirs to know."""
    members = Membership.objects.filter(customer=key.customer_id, user__public_id__in=public_ids)
    return dict(members.values_list("user__public_id", "user__email"))


def _actor(identity: str, names: dict[str, str]) -> str:
    kind, _space, public_id = identity.partition(" ")
    if kind == "user":
        staff = _("%(portal)s staff or a former colleague") % {"portal": settings.PORTAL_NAME}
        return names.get(public_id, staff)
    return _("Access token %(id)s") % {"id": public_id} if kind == "token" else _("Automatic")
