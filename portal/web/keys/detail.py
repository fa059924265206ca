"""``/keys/{id}``: everything about one key but its secret."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.models import AuditEvent, IssuedKey, Membership
from portal.services.keys.reveal import may_reveal
from portal.web.keys.quickstart import quickstart
from portal.web.keys.shown import expiry_words, masked, parts_of, status_of_one, tokens_left
from portal.web.visits import Visit, customers_page, show

_HISTORY = {
    "key.requested": "Asked for",
    "key.activated": "Created",
    "key.failed": "Could not be created",
    "key.revealed": "Secret shown",
    "key.revoking": "Revocation begun",
    "key.revoked": "Revoked",
    "key.retiring": "Replaced by a newer key",
}


def visible_key(visit: Visit, public_id: str) -> tuple[Visit, IssuedKey]:
    """The key of that id at any of the user's customers, and the visit there.

    Raises ``NotFound`` alike for absent and for foreign keys.
    """
    key: IssuedKey | None = (
        IssuedKey.objects.visible_to(visit.actor, "keys:read")
        .filter(customer__memberships__user=visit.user, public_id=public_id)
        .select_related("customer", "user", "rotated_from", "signing_key")
        .with_removal()
        .first()
    )
    if key is None:
        raise NotFound("key")
    return visit.at(key.customer.public_id), key


def changeable_key(visit: Visit, public_id: str) -> tuple[Visit, IssuedKey]:
    """The same for changing it; raises ``NotAllowed`` for those who may only look."""
    visit, key = visible_key(visit, public_id)
    visit.actor.require("keys:write", key.customer_id)
    return visit, key


@require_safe
@customers_page
def one_key(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit, key = visible_key(visit, id)
    successor = IssuedKey.objects.filter(rotated_from=key).exclude(status=IssuedKey.Status.FAILED).first()
    context = {
        "key": key,
        "status": status_of_one(key),
        "tokens_left": tokens_left(key),
        "public": parts_of(key.public),
        "expires": expiry_words(key),
        "masked": masked(key),
        "successor": successor,
        "may_reveal": visit.may_change_keys and key.secret_available and may_reveal(visit.actor, key),
        "may_rotate": visit.may_change_keys and key.is_usable and successor is None and key.user is not None,
        "may_revoke": visit.may_change_keys and key.status in IssuedKey.REVOCABLE,
        "unfinished": key.status in (IssuedKey.Status.REQUESTED, IssuedKey.Status.REVOKING),
        "quickstart": quickstart(key, settings.PORTAL_BASE_URL) if key.is_usable else None,
        "history": _history(key),
    }
    return show(request, visit, "portal/keys/detail.html", context)


def _history(key: IssuedKey) -> list[dict[str, Any]]:
    """What happened to the key, newest first, by people's names."""
    events = list(
        AuditEvent.objects.filter(object=key.public_id, customer=key.customer_id).order_by("-id")[:100]
    )
    who = _names({event.actor.partition(" ")[2] for event in events}, key)
    words = dict(_HISTORY)
    if key.status != IssuedKey.Status.FAILED:  # it stopped, and went on or will
        words["key.failed"] = "Creation stopped"
    return [
        {"words": words.get(event.action, event.action), "at": event.at, "who": _actor(event.actor, who)}
        for event in events
    ]


def _names(public_ids: set[str], key: IssuedKey) -> dict[str, str]:
    """E-mails of the customer's own members; other people are not theirs to know."""
    members = Membership.objects.filter(customer=key.customer_id, user__public_id__in=public_ids)
    return dict(members.values_list("user__public_id", "user__email"))


def _actor(identity: str, names: dict[str, str]) -> str:
    kind, _, public_id = identity.partition(" ")
    if kind == "user":
        return names.get(public_id, f"{settings.PORTAL_NAME} staff or a former colleague")
    return f"Access token {public_id}" if kind == "token" else "Automatic"
