"""A real portal over TLS, for gateways that ask it."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt

from portal.core.recipes import Values
from tests.real import forged
from tests.real.portal import Owner, Portal
from tests.real.tls_proxy import TlsProxy

_SIGNED = """
import json
from portal.models import SigningKey
from portal.services.signing_keys.lookup import active_key
from tokens.sign import sign
key = active_key(SigningKey.Source.MANAGED)
print(json.dumps([sign(claims, key=key.key, kid=key.kid, algorithm=key.algorithm) for claims in {claims!r}]))
"""


@dataclass
class Asked:
    """A portal over TLS, and a customer of it; ``values`` and ``ca_file`` are what a recipe is filled with."""

    portal: Portal
    proxy: TlsProxy

    @property
    def values(self) -> Values:
        return Values(self.proxy.url, self.portal.url)

    @property
    def ca_file(self) -> Path:
        return self.proxy.ca_file

    @cached_property
    def owner(self) -> Owner:
        return self.portal.add_owner()

    def issue(self, **members: Any) -> dict[str, Any]:
        return self.portal.issue(self.owner, **members)

    @cached_property
    def key(self) -> str:
        """A good one, that stays good."""
        return str(self.issue()["secret"])

    @cached_property
    def bad(self) -> dict[str, str]:
        """By what is wrong with it. The first three are under the portal's own signature."""
        claims = jwt.decode(self.key, options={"verify_signature": False})
        changes = {
            "expired": {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600},
            "foreign issuer": {"iss": "https://issuer.example.net"},
            "wrong audience": {"aud": "https://other.example.net"},
        }
        script = _SIGNED.format(claims=[{**claims, **change} for change in changes.values()])
        signed = json.loads(self.portal.manage("shell", "-c", script).stdout.splitlines()[-1])
        published = {jwk["kid"]: jwk for jwk in self.portal.get("/.well-known/jwks.json").json()["keys"]}
        return {
            **dict(zip(changes, signed, strict=True)),
            "tampered": forged.tampered(self.key),
            "none": forged.unsigned(self.key),
            "HS256 with the public key": forged.signed_with_the_public_key(
                self.key, published[jwt.get_unverified_header(self.key)["kid"]]
            ),
            "unknown kid": forged.signed_by_a_stranger(self.key, kid="unknown"),
            "a stranger's key under our kid": forged.signed_by_a_stranger(self.key),
            "no token at all": "",
        }


@dataclass
class Elsewhere:
    """A portal's address that is not the portal's."""

    url: str
    ca_file: Path

    @property
    def values(self) -> Values:
        return Values(self.url, self.url)
