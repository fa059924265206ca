"""``/oauth/token`` for the management application and for clients, and the public key."""

import json
import secrets
import time
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.auth0.refusals import denied, refused
from tests.fakes.auth0.tenant import Tenant
from tests.fakes.faulty import Answer, Request
from tests.fakes.ledger import digest

LIFETIME_SECONDS = 86400
_MEMBERS = {"grant_type", "client_id", "client_secret", "audience", "organization", "scope"}


@dataclass
class TokenEndpoint:
    """Tokens of the management application are remembered; those of clients are real JWTs."""

    tenant: Tenant
    issuer: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    """What the management application is granted now; a token keeps what held when it was issued."""
    _tokens: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._kid = secrets.token_urlsafe(12)
        self.jwks = {"keys": [{**public, "kid": self._kid, "use": "sig", "alg": "RS256"}]}

    def granted(self, request: Request) -> frozenset[str]:
        """The scopes of the request's bearer token. Raises ``Refused`` without a good one."""
        scheme, _, token = (request.headers["Authorization"] or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refused(401, "Missing authentication")
        scopes, expires_at = self._tokens.get(token, (frozenset(), 0.0))
        if expires_at <= time.time():
            raise refused(401, "Invalid token")
        return scopes

    def revoke_all(self) -> None:
        """The management application has to fetch another."""
        self._tokens.clear()

    def answer(self, body: dict[str, str]) -> Answer:
        """A token, or why there is none (RFC 6749 section 5). Raises ``Refused``."""
        if body.get("grant_type") != "client_credentials":
            raise denied(403, "unsupported_grant_type", f"Unsupported grant type: {body.get('grant_type')}")
        if missing := [name for name in ("client_id", "client_secret", "audience") if not body.get(name)]:
            raise denied(403, "invalid_request", f"Missing required parameter: {missing[0]}")
        if body["client_id"] == self.client_id:
            return self._for_management(body)
        return self._for_client(body)

    def _for_management(self, body: dict[str, str]) -> Answer:
        if not compare_digest(body["client_secret"].encode(), self.client_secret.encode()):
            raise denied(401, "access_denied", "Unauthorized")
        if body["audience"] != self.tenant.management_audience:
            raise _unauthorized_for(body["audience"])
        token = f"management-{secrets.token_urlsafe(48)}"
        self._tokens[token] = (frozenset(self.scopes), time.time() + LIFETIME_SECONDS)
        self.tenant.shown.append(token)
        return _issued(token, " ".join(self.scopes))

    def _for_client(self, body: dict[str, str]) -> Answer:
        truth, id = self.tenant.truth, body["client_id"]
        client = truth.alive["clients"].get(id)
        if client is None:
            raise denied(401, "invalid_client", "Unknown client")
        if not compare_digest(client["digest"], digest(body["client_secret"])):
            raise denied(401, "access_denied", "Unauthorized")
        if "client_credentials" not in client["grant_types"]:
            raise denied(403, "unauthorized_client", "Grant type 'client_credentials' is not allowed")
        found = truth.grant(id, body["audience"])
        if found is None:
            raise _unauthorized_for(body["audience"])
        organization = self._organization(client, *found, body.get("organization"))
        return self._minted(id, body["audience"], found[1]["scope"], organization)

    def _organization(
        self, client: dict[str, Any], grant_id: str, grant: dict[str, Any], asked: str | None
    ) -> str | None:
        """The one that the token is for; the default counts only where one is required."""
        usage = grant.get("organization_usage", "deny")
        if usage == "require" and asked is None:
            asked = client.get("default_organization", {}).get("organization_id")
            if asked is None:
                raise denied(403, "invalid_request", "parameter organization is required for this client")
        if asked is None:
            return None
        truth = self.tenant.truth
        allowed = grant.get("allow_any_organization") is True or truth.is_associated(asked, grant_id)
        if usage == "deny" or asked not in truth.alive["organizations"] or not allowed:
            raise denied(403, "access_denied", f"The client has no access to organization {asked}")
        return asked

    def _minted(self, client: str, audience: str, scope: list[str], organization: str | None) -> Answer:
        issued_at = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "sub": f"{client}@clients", "aud": audience, "azp": client,
            "iat": issued_at, "exp": issued_at + LIFETIME_SECONDS, "gty": "client-credentials",
            "scope": " ".join(scope),
        }  # fmt: skip
        if organization is not None:
            claims["org_id"] = organization
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._kid})
        return _issued(token, claims["scope"])


def parsed(request: Request) -> dict[str, str]:
    """The members of a form or of a JSON object. Raises ``Refused`` for anything else."""
    kind = (request.headers["Content-Type"] or "").partition(";")[0].strip().lower()
    body: Any = None
    if kind == "application/x-www-form-urlencoded":
        body = dict(parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == "application/json":
        body = request.json()
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise denied(403, "invalid_request", "The body is no form and no JSON object of texts")
    if unknown := sorted(set(body) - _MEMBERS):
        raise denied(403, "invalid_request", f"Unknown parameters: {json.dumps(unknown)}")
    return body


def _issued(token: str, scope: str) -> Answer:
    return 200, {
        "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "scope": scope,
    }  # fmt: skip


def _unauthorized_for(audience: str) -> Exception:
    return denied(403, "access_denied", f"Client is not authorized to access {json.dumps(audience)}.")
