"""Showing a secret: once in a key's life."""

import json
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, Gone, NotAllowed, NotFound
from portal.core.sealing import unseal
from portal.models import IssuedKey
from portal.services.audit import Action, record

UNREVEALED_FOR = timedelta(days=7)
_NO_SECRET: dict[str, str | Promise] = {
    "requested": gettext_lazy(
        "This key is still being created: it has no secret yet. Wait until it is ready."
    ),
    "needs_attention": gettext_lazy("This key isn't ready: it has no secret yet. Wait until it is."),
    "active": gettext_lazy("This key has no secret to show. Rotate it to get another."),
    "expired": gettext_lazy("This key has expired: it has no secret to show any more. Create another key."),
    "revoking": gettext_lazy("This key is being revoked: it has no secret to show. Create another key."),
    "revoked": gettext_lazy("This key is revoked: it has no secret to show. Create another key."),
    "failed": gettext_lazy("This key could not be created: it has no secret. Create another key."),
}


def may_reveal(actor: Actor, key: IssuedKey) -> bool:
    """Its user, the customer's admins and owner, or the token that created it; never other staff."""
    if not actor.may_reveal:
        return False
    if actor.kind == "token":
        return key.created_by == actor.identity
    return actor.user_id is not None and (key.user_id == actor.user_id or key.customer_id in actor.admin_of)


def reveal_key(actor: Actor, key_id: int) -> Any:
    """Return the secret, text or object, and forget it.

    Raises ``NotAllowed`` (also when the sign-in is too old), ``Gone`` after the first time or
    after 7 days, ``Conflict`` while there is nothing to show.
    """
    with transaction.atomic():
        key = (
            IssuedKey.objects.select_for_update(of=("self",), no_key=True)
            .select_related("customer")
            .filter(pk=key_id)
            .first()
        )
        if key is None:
            raise NotFound("key")
        if not may_reveal(actor, key):
            raise NotAllowed(
                "reveal_not_allowed",
                _(
                    "Only the key's user, the customer's admins or the access token that created it may see "
                    "the secret. It was not shown and stays for them."
                ),
            )
        if not actor.recent_sign_in:
            raise NotAllowed(
                "recent_sign_in_required", _("Sign in again to see a secret. It was not shown yet.")
            )
        _check_there_is_one(key)
        secret = json.loads(unseal(key.sealed_secret).reveal())
        key.sealed_secret, key.revealed_at, key.revealed_by = "", now(), actor.identity
        key.save(update_fields=["sealed_secret", "revealed_at", "revealed_by"])
        record(actor, Action.KEY_REVEALED, key.public_id, customer=key.customer)
    return secret


def _check_there_is_one(key: IssuedKey) -> None:
    if key.revealed_at is not None:
        raise Gone(
            "already_revealed",
            _("This secret was shown before and isn't kept. Rotate the key to get another."),
        )
    if key.activated_at and key.activated_at + UNREVEALED_FOR <= (key.revoked_at or now()):
        raise Gone(
            "secret_expired",
            _("Nobody fetched this secret in 7 days, so it was erased. Create another key."),
        )
    if key.shown_status != "active" or not key.sealed_secret:
        raise Conflict("key_not_active", str(_NO_SECRET.get(key.shown_status, _NO_SECRET["active"])))
