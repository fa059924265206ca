"""Management tokens: shown once, kept as SHA-256, never more than their creator may do."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Invalid, NotAllowed, NotFound
from portal.core.fingerprints import fingerprint
from portal.core.scopes import BOUND_SCOPES, SCOPES
from portal.core.tokens import is_well_formed, new_management_token
from portal.models import Customer, ManagementToken, User
from portal.services.actors import actor_of_token
from portal.services.audit import Action, Entry, record, record_all
from provisioning.secret import Secret

LAST_USE_EVERY = timedelta(minutes=1)


def create_access_token(
    actor: Actor,
    *,
    owner: User,
    scopes: Iterable[str],
    customer: Customer | None = None,
    name: str = "",
    expires_in: timedelta | None = None,
) -> tuple[ManagementToken, Secret]:
    """Store a new token of ``owner`` and return it with its text, which nothing can show again.

    It ends no later than the token that asks for it. Raises ``NotAllowed`` for a scope that the
    actor does not hold there, and for a browser whose sign-in is not recent.
    """
    if not actor.recent_sign_in:
        raise NotAllowed("recent_sign_in_required", _("Sign in again to see a secret."))
    wanted = sorted(set(scopes))
    _check_scopes(actor, wanted, customer)
    text = new_management_token()
    with transaction.atomic():
        token = ManagementToken.objects.create(
            name=name, owner=owner, customer=customer, scopes=wanted, digest=fingerprint(text),
            last4=text.reveal()[-4:], created_by=actor.identity,
            expires_at=_end(actor, expires_in),
        )  # fmt: skip
        record(actor, Action.ACCESS_TOKEN_CREATED, token.public_id, customer=customer, scopes=wanted)
    return token, text


def _end(actor: Actor, expires_in: timedelta | None) -> datetime | None:
    ends = [actor.ends_at, now() + expires_in if expires_in else None]
    return min((end for end in ends if end is not None), default=None)


def _check_scopes(actor: Actor, wanted: list[str], customer: Customer | None) -> None:
    if not wanted:
        raise Invalid.field("scopes", _("name at least one"))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise Invalid.field("scopes", f"unknown: {' '.join(unknown)}")
    for scope in wanted:
        reach = actor.reach(scope)
        if reach is not None and (customer is None or customer.pk not in reach):
            raise NotAllowed(
                "scope_not_held",
                _("You don't hold %(scope)s there, so no token of yours can. Nothing was created.")
                % {"scope": scope},
            )
        if customer is not None and scope not in BOUND_SCOPES:
            raise Invalid.field("scopes", f"{scope} makes no sense for one customer")


def revoke_tokens(actor: Actor, tokens: "QuerySet[ManagementToken]", customer: Customer | None) -> None:
    """End several tokens of one customer, in the caller's transaction."""
    found = list(tokens)
    tokens.update(revoked_at=now())
    entries = [Entry(Action.ACCESS_TOKEN_REVOKED, token.public_id) for token in found]
    record_all(actor, entries, customer=customer)


def revoke_access_token(actor: Actor, token_id: int) -> None:
    """End a token at once."""
    with transaction.atomic():
        token = (
            ManagementToken.objects.select_for_update(no_key=True)
            .filter(pk=token_id, revoked_at=None)
            .first()
        )
        if token is None:
            raise NotFound("access token")
        token.revoked_at = now()
        token.save(update_fields=["revoked_at"])
        record(actor, Action.ACCESS_TOKEN_REVOKED, token.public_id, customer=token.customer)


def authenticate(text: str) -> ManagementToken | None:
    """The valid token with that text whose owner is active, or None. Notes its use once a minute."""
    if not is_well_formed(text):
        return None
    token = (
        ManagementToken.objects.valid()
        .select_related("owner", "customer")
        .filter(digest=fingerprint(Secret(text)), owner__is_active=True)
        .first()
    )
    if token is None or (token.customer is not None and token.customer.deleted_at is not None):
        return None
    if token.last_used_at is None or token.last_used_at + LAST_USE_EVERY <= now():
        ManagementToken.objects.filter(pk=token.pk).update(last_used_at=now())
    return token


def may_read_metrics(text: str) -> bool | None:
    """Whether the token with that text may read ``/metrics``; None when there is no such valid token."""
    token = authenticate(text)
    return None if token is None else "metrics:read" in actor_of_token(token).everywhere
