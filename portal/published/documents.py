"""The published documents, made from the database's present state."""

import json
from typing import Any

from django.conf import settings

from portal.core.plugins import jwt_config
from portal.core.well_known import status_lists_uri
from portal.models import SigningKey


def jwks() -> bytes:
    """The JWK set (RFC 7517): public halves of staged, active and retiring keys."""
    keys = [key.public_jwk for key in SigningKey.objects.published().order_by("-id")]
    return _json({"keys": keys})


def discovery() -> bytes:
    """Metadata for both well-known paths (OpenID Connect Discovery 1.0; RFC 8414)."""
    base = settings.PORTAL_BASE_URL
    in_use = SigningKey.objects.published().values_list("algorithm", flat=True)
    algorithms = sorted({"RS256", *in_use})
    config = jwt_config()
    claims = ["iss", "sub", "org_id", "iat", "exp", "jti", "scope", "status"]
    if config is not None:
        claims = ["iss", "sub", config.company_id_field, "iat", "exp", "jti", "scope", "status"]
    return _json({
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "introspection_endpoint": f"{base}/api/v1/introspect",
        "introspection_endpoint_auth_methods_supported": ["bearer"],
        "revocation_endpoint": f"{base}/api/v1/revoke",
        "revocation_endpoint_auth_methods_supported": ["bearer"],
        "status_list_aggregation_endpoint": status_lists_uri(),
        "service_documentation": f"{base}/api/v1/docs",
        "response_types_supported": ["none"],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": ["none"],
        "claims_supported": claims,
    })  # fmt: skip


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
