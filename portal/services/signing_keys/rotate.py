"""Rotation of managed signing keys, planned and in an emergency."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from portal.core.actor import Actor
from portal.core.batches import until_stopped
from portal.core.clock import now
from portal.core.errors import Conflict, Invalid, NotFound
from portal.models import Customer, IssuedKey, SigningKey
from portal.services.keys.reasons import of_signing_key
from portal.services.keys.revoke import revoke_keys_signed_by
from portal.services.signing_keys.lifecycle import (
    Source,
    State,
    activate,
    end,
    end_retired,
    lock_all,
    stage_managed,
)  # fmt: skip
from portal.services.signing_keys.sync import managed_algorithm
from tokens.jwk import ASYMMETRIC


def may_activate_at(staged: SigningKey) -> datetime:
    """From then on every gateway's cache has seen the staged key."""
    return staged.staged_at + settings.SIGNING_KEY_LEAD_TIME


def rotate_signing_key(actor: Actor, *, algorithm: str | None = None, force: bool = False) -> SigningKey:
    """Activate the staged key and stage another of ``algorithm``; returns the active one.

    Raises ``Conflict`` naming the time at which it may be activated, unless ``force``.
    """
    if algorithm is not None and algorithm not in ASYMMETRIC:
        raise Invalid.field("algorithm", f"must be one of {', '.join(sorted(ASYMMETRIC))}")
    with transaction.atomic():
        lock_all()
        end_retired(actor)
        staged = _staged()
        if not force and may_activate_at(staged) > now():
            at = may_activate_at(staged).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise Conflict(
                "staged_key_too_young",
                f"Gateways may not know the staged key before {at}. Nothing was changed.",
            )
        activate(actor, staged)
        stage_managed(actor, algorithm or managed_algorithm(), chosen=algorithm is not None)
    return staged


def stage_signing_key(actor: Actor, *, algorithm: str | None = None) -> SigningKey:
    """Replace the staged key by a new one, whose lead time starts now."""
    with transaction.atomic():
        lock_all()
        end(actor, _staged(), State.RETIRED, "replaced before it signed")
        return stage_managed(actor, algorithm or managed_algorithm(), chosen=algorithm is not None)


@dataclass(frozen=True)
class Revocation:
    """What an emergency revocation hit."""

    keys: int
    customers: int


def revoke_signing_key(actor: Actor, kid: str, *, reason: str) -> Revocation:
    """Emergency: drop a signing key from the JWKS at once and revoke every unexpired key it signed.

    When it was the active one the staged key takes over, whatever its age: it is the one that
    gateways know already. The signing key goes in a transaction of its own, first; the keys
    follow customer by customer, and repeating the call finishes what a crash left.
    """
    with transaction.atomic():
        lock_all()
        key = SigningKey.objects.select_for_update(no_key=True).filter(kid=kid).first()
        if key is None:
            raise NotFound("signing key")
        if key.state == State.RETIRED:
            raise Conflict("signing_key_retired", "This signing key is retired: nothing accepts it any more.")
        former = key.state
        if former != State.REVOKED:
            end(actor, key, State.REVOKED, reason)
        if key.source == Source.MANAGED and former in (State.ACTIVE, State.STAGED):
            if former == State.ACTIVE:
                activate(actor, _staged())
            stage_managed(actor, managed_algorithm())
    return _revoke_signed(actor, key, reason)


def finish_revocations(actor: Actor) -> None:
    """Revoke what a revoked signing key signed and a crash left; nothing when all is done.

    Ends between two customers when this process was told to stop.
    """
    left = SigningKey.objects.filter(state=State.REVOKED, keys__status="active", keys__expires_at__gt=now())
    for key in left.distinct():
        _revoke_signed(actor, key, key.reason)


def _revoke_signed(actor: Actor, key: SigningKey, reason: str) -> Revocation:
    unexpired = IssuedKey.objects.filter(signing_key=key, status="active", expires_at__gt=now())
    customers = sorted(set(unexpired.values_list("customer_id", flat=True)))
    keys = 0
    for customer in until_stopped(Customer.objects.filter(pk__in=customers).order_by("pk").iterator()):
        with transaction.atomic():
            keys += revoke_keys_signed_by(actor, customer, key, reason=of_signing_key(reason))
    return Revocation(keys=keys, customers=len(customers))


def _staged() -> SigningKey:
    staged = (
        SigningKey.objects.select_for_update(no_key=True)
        .filter(source=Source.MANAGED, state=State.STAGED)
        .first()
    )
    if staged is None:
        raise Conflict("no_staged_key", "No signing key is staged. Restart the portal: it stages one.")
    return staged
