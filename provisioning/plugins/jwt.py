"""Keys that are JWTs, signed here: no network, and nothing to clean up after a crash."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Self
from uuid import uuid4

from provisioning.config import ConfigError, GetConfig, choice, comma_list, duration, text
from provisioning.contract import (
    LONGEST_LIFE,
    Calls,
    CreatedKey,
    KeyRef,
    KeyRequest,
    Problem,
    RemoteUser,
    Toolbox,
)
from provisioning.errors import Misconfigured, Rejected
from provisioning.secret import Secret
from tokens.jwk import ALGORITHMS, HMAC, InvalidKey, load_key, thumbprint
from tokens.sign import sign

RESERVED_CLAIMS = frozenset({
    # Ours, and what RFC 7519, 7800, 8693 and 9068 (section 2.2.3.1) give a meaning to …
    "iss", "sub", "org_id", "aud", "exp", "iat", "nbf", "jti", "scope", "status", "client_id",
    "azp", "act", "may_act", "cnf", "roles", "groups", "entitlements",
    # … what AWS and Azure read as scopes, and members of the introspection answer (RFC 7662, ours).
    "scp", "active", "token_type", "key_id",
})  # fmt: skip
"""Names that a customer's or user's id may not take: a verifier would read it as something else."""

# Visible ASCII without quotes and backslash: allows https://example.com/user and plain names.
_FIELD = re.compile(r"[!#-\[\]-~]{1,100}")
_KID = re.compile(r"[!-~]{1,255}")
# RFC 6749 section 3.3. A space inside one scope would make two of it.
_SCOPE = re.compile(r"[!#-\[\]-~]+")


@dataclass(frozen=True)
class JwtConfig:
    """The ``PLUGIN_JWT_…`` settings. ``secret`` and ``kid`` are None when the portal manages its keys."""

    algorithm: str
    secret: Secret | None
    kid: str | None
    user_id_field: str
    company_id_field: str
    expires_in: timedelta
    issuer: str
    audience: tuple[str, ...]

    @classmethod
    def from_config(cls, get_config: GetConfig, default_issuer: str) -> Self:
        """Parse and check every setting; raises ``ConfigError`` naming the one that is wrong."""
        algorithm = choice(get_config, "PLUGIN_JWT_ALGORITHM", tuple(ALGORITHMS), "RS256")
        secret, kid = _given_key(get_config, algorithm)
        user_id_field, company_id_field = _field_names(get_config)
        return cls(
            algorithm=algorithm,
            secret=secret,
            kid=kid,
            user_id_field=user_id_field,
            company_id_field=company_id_field,
            expires_in=duration(get_config, "PLUGIN_JWT_EXPIRES_IN", "30d", longest=LONGEST_LIFE),
            issuer=text(get_config, "PLUGIN_JWT_ISSUER", default_issuer),
            audience=comma_list(get_config, "PLUGIN_JWT_AUDIENCE"),
        )


class JwtPlugin:
    """Makes each key a JWT under the portal's current signing key.

    Nothing is kept here: what a JWT allows ends with ``exp``, or earlier through the status list.
    """

    slug: ClassVar[str] = "jwt"
    label: ClassVar[str] = "Signed key (JWT)"
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = True

    def __init__(self, config: JwtConfig, toolbox: Toolbox) -> None:
        self.config = config
        self._toolbox = toolbox

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        return cls(JwtConfig.from_config(get_config, toolbox.base_url), toolbox)

    @property
    def default_lifetime(self) -> timedelta:
        return self.config.expires_in

    def get_user(self, customer_id: str, email: str) -> RemoteUser:
        """Derived from the arguments alone; the id is a digest, so that no e-mail stands in ids."""
        digest = sha256(f"{customer_id}\n{email}".encode()).hexdigest()
        return RemoteUser(id=digest[:32], email=email, organization_id=customer_id)

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        return self.get_user(customer_id, email)

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        """Sign a new token; repeated, another one that differs in ``jti``.

        Raises ``Misconfigured`` without a signing key and ``Rejected`` for a lifetime or scope
        that no token can carry.
        """
        claims = self._claims(customer_id, request)
        signing_key = self._toolbox.signer.current()
        token = sign(
            claims,
            key=signing_key.key,
            kid=signing_key.kid,
            algorithm=signing_key.algorithm,
            typ="at+jwt" if self.config.audience else "JWT",  # RFC 9068 section 2.1
        )
        return CreatedKey(
            secret=Secret(token),
            external_id=str(claims["jti"]),
            expires_at=datetime.fromtimestamp(int(str(claims["exp"])), UTC),
            kid=signing_key.kid,
            jti=str(claims["jti"]),
        )

    def revoke(self, customer_id: str, key: KeyRef) -> None:
        """Nothing to do here: a JWT is revoked by what the portal answers about it."""

    def check(self) -> Sequence[Problem]:
        """Report a missing signing key: without one, no key can be issued."""
        try:
            self._toolbox.signer.current()
        except Misconfigured as exc:
            return [Problem(exc.code, exc.detail or "There is no signing key, so no key can be issued.")]
        return []

    def _claims(self, customer_id: str, request: KeyRequest) -> Mapping[str, object]:
        config = self.config
        issued_at = int(self._toolbox.now().timestamp())
        claims: dict[str, object] = {
            # Ours come after the request's, so that a stray claim can't replace one of them.
            **request.claims,
            "iss": config.issuer,
            "sub": request.user_id,
            config.user_id_field: request.user_id,
            config.company_id_field: customer_id,
            "iat": issued_at,
            "exp": issued_at + _lifetime_seconds(request.expires_in, config.expires_in),
            # Random, because two keys within one second would otherwise be the same token.
            "jti": str(uuid4()),
        }
        if request.scopes:
            claims["scope"] = " ".join(_checked_scopes(request.scopes))
        if config.audience:
            claims["aud"] = config.audience[0] if len(config.audience) == 1 else list(config.audience)
            claims["client_id"] = request.key_id  # RFC 9068 section 2.2
        return claims


def _lifetime_seconds(wanted: timedelta | None, default: timedelta) -> int:
    seconds = int((default if wanted is None else wanted).total_seconds())
    if not 1 <= seconds <= LONGEST_LIFE.total_seconds():
        raise Rejected("invalid_lifetime", "A key lives at least a second and at most 10 years.")
    return seconds


def _checked_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise Rejected("invalid_scope", "A scope is visible ASCII without spaces, quotes and backslashes.")
    return scopes


def _given_key(get_config: GetConfig, algorithm: str) -> tuple[Secret | None, str | None]:
    """The operator's own key and its ``kid``, or two times None: the portal manages its keys."""
    secret = get_config("PLUGIN_JWT_SECRET")
    if not secret or not secret.strip():
        if algorithm in HMAC:
            raise ConfigError(
                "PLUGIN_JWT_SECRET", f"must hold the shared secret, as {algorithm} has no other key"
            )
        return None, None
    try:
        key = load_key(secret, algorithm)
    except InvalidKey as exc:
        raise ConfigError("PLUGIN_JWT_SECRET", f"can't be used for {algorithm}: {exc}") from None
    kid = text(get_config, "PLUGIN_JWT_KID")
    if kid and not _KID.fullmatch(kid):
        raise ConfigError("PLUGIN_JWT_KID", "must be at most 255 visible ASCII characters")
    return Secret(secret), kid or thumbprint(key)


def _field_names(get_config: GetConfig) -> tuple[str, str]:
    user = _field_name(get_config, "PLUGIN_JWT_USER_ID_FIELD", "sub")
    company = _field_name(get_config, "PLUGIN_JWT_COMPANY_ID_FIELD", "org_id")
    if user.lower() == company.lower():
        raise ConfigError("PLUGIN_JWT_COMPANY_ID_FIELD", "must differ from PLUGIN_JWT_USER_ID_FIELD")
    return user, company


def _field_name(get_config: GetConfig, variable: str, default: str) -> str:
    name = text(get_config, variable, default)
    if not _FIELD.fullmatch(name):
        raise ConfigError(variable, "must be at most 100 visible ASCII characters without quotes")
    # Case is ignored because Go's encoding/json fills a field `exp` from a member `EXP` too.
    if name != default and name.lower() in RESERVED_CLAIMS:
        raise ConfigError(variable, "is a reserved claim name")
    return name
