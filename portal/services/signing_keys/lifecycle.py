"""The state changes of signing keys. Callers hold the transaction and ``lock_all``."""

from datetime import timedelta

from django.db.models import Max

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.sealing import seal
from portal.models import DataKey, IssuedKey, SigningKey
from portal.services.audit import Action, record
from portal.services.data_keys import data_key
from provisioning.secret import Secret
from tokens.jwk import generate_private_key, public_jwk, thumbprint, to_pem

State, Source = SigningKey.State, SigningKey.Source
KEPT_AFTER_EXPIRY = timedelta(hours=24)


def lock_all() -> None:
    """Let one process at a time change signing keys, until the transaction ends."""
    data_key("status-index")
    DataKey.objects.select_for_update(no_key=True).get(name="status-index")


def stage_managed(actor: Actor, algorithm: str, *, chosen: bool = False) -> SigningKey:
    """Make a key and publish it, not yet signing. ``chosen``: a person asked for this algorithm."""
    private = generate_private_key(algorithm)
    while (kid := thumbprint(private)).startswith("-"):  # a command line would take it for an option
        private = generate_private_key(algorithm)
    key = SigningKey.objects.create(
        kid=kid, algorithm=algorithm, source=Source.MANAGED, state=State.STAGED, thumbprint=kid,
        chosen=chosen,
        public_jwk=public_jwk(private, kid=kid, algorithm=algorithm),
        sealed_private=seal(Secret(to_pem(private).decode())),
    )  # fmt: skip
    record(actor, Action.SIGNING_KEY_STAGED, kid, algorithm=algorithm)
    return key


def activate(actor: Actor, key: SigningKey) -> None:
    """Let ``key`` sign; the one that did of the same source retires."""
    former = SigningKey.objects.filter(source=key.source, state=State.ACTIVE).exclude(pk=key.pk).first()
    if former is not None:
        retire(actor, former)
    key.state, key.activated_at, key.retiring_at, key.ended_at = State.ACTIVE, now(), None, None
    key.save()
    record(actor, Action.SIGNING_KEY_ACTIVATED, key.kid, algorithm=key.algorithm)


def retire(actor: Actor, key: SigningKey) -> None:
    """Stop signing with a key; it verifies until the last key it signed has expired.

    Its private half is erased, but for HS, where the secret is what verifies.
    """
    key.state, key.retiring_at = State.RETIRING, now()
    if not key.algorithm.startswith("HS"):
        key.sealed_private = ""
    key.save()
    record(actor, Action.SIGNING_KEY_RETIRING, key.kid)


def end(actor: Actor, key: SigningKey, state: SigningKey.State, reason: str = "") -> None:
    """Retire for good or revoke: no signature of this key counts any more."""
    key.state, key.ended_at, key.sealed_private, key.reason = state, now(), "", reason[:200]
    key.save()
    action = Action.SIGNING_KEY_REVOKED if state == State.REVOKED else Action.SIGNING_KEY_RETIRED
    record(actor, action, key.kid)


def end_retired(actor: Actor) -> None:
    """Retire for good the keys whose last signature expired more than a day ago."""
    for key in SigningKey.objects.filter(state=State.RETIRING):
        last = IssuedKey.objects.filter(signing_key=key).aggregate(last=Max("expires_at"))["last"]
        if max(filter(None, [last, key.retiring_at, key.staged_at])) + KEPT_AFTER_EXPIRY <= now():
            end(actor, key, State.RETIRED)
