"""At every start: the signing keys that the configuration asks for exist."""

from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.core.plugins import jwt_config
from portal.core.sealing import seal
from portal.models import IssuedKey, SigningKey
from portal.services.signing_keys.lifecycle import (
    Source,
    State,
    activate,
    end,
    end_retired,
    lock_all,
    retire,
    stage_managed,
)  # fmt: skip
from provisioning.config import ConfigError
from provisioning.plugins.jwt import JwtConfig
from tokens.jwk import HMAC, load_key, public_jwk, thumbprint

DEFAULT_ALGORITHM = "RS256"


def managed_algorithm() -> str:
    """The algorithm that managed keys should have: the configured one unless it is HS."""
    config = jwt_config()
    if config is None or config.algorithm in HMAC:
        return DEFAULT_ALGORITHM
    return config.algorithm


def sync_signing_keys() -> None:
    """Make sure of an active and a staged managed key and of the imported one. May be repeated.

    Raises ``ConfigError`` when ``PLUGIN_JWT_KID`` names another key than before.
    """
    with transaction.atomic():
        lock_all()
        end_retired(SYSTEM)
        _sync_managed(managed_algorithm())
        _sync_imported(jwt_config())


def _sync_managed(algorithm: str) -> None:
    managed = SigningKey.objects.filter(source=Source.MANAGED)
    staged = managed.filter(state=State.STAGED).first()
    if staged is not None and staged.algorithm != algorithm and not staged.chosen:
        end(SYSTEM, staged, State.RETIRED, "the configured algorithm changed")
        staged = None
    staged = staged or stage_managed(SYSTEM, algorithm)
    active = managed.filter(state=State.ACTIVE).first()
    unused = active is not None and active.algorithm != algorithm and not IssuedKey.objects.exists()
    if active is None or unused:
        activate(SYSTEM, staged)
        stage_managed(SYSTEM, algorithm)


def _sync_imported(config: JwtConfig | None) -> None:
    active = SigningKey.objects.filter(source=Source.IMPORTED, state=State.ACTIVE).first()
    if config is None or not config.secret:
        if active is not None:
            retire(SYSTEM, active)
        return
    text = config.secret.reveal()
    material = load_key(text, config.algorithm)
    print_ = thumbprint(material)
    kid = config.kid or print_
    known = SigningKey.objects.filter(kid=kid).first()
    if known is None:
        jwk = {} if isinstance(material, bytes) else public_jwk(material, kid=kid, algorithm=config.algorithm)
        known = SigningKey(kid=kid, source=Source.IMPORTED, thumbprint=print_, public_jwk=jwk)
    elif known.thumbprint != print_ or known.algorithm != config.algorithm or known.source != Source.IMPORTED:
        raise ConfigError("PLUGIN_JWT_KID", "names another key than before: give a new key a new kid")
    if known.state == State.REVOKED:
        if active is not None:
            retire(SYSTEM, active)
        return  # a revoked key never signs again; issuing says so until another is given
    if known.state == State.ACTIVE:
        return
    known.algorithm, known.staged_at = config.algorithm, now()
    known.sealed_private = seal(config.secret)
    activate(SYSTEM, known)
