"""The libraries that gateways verify keys with, behind one face.

Each fetches the JWKS itself, keeps it in its own cache and refuses in its own words.
``impatient`` asks for the shortest cache that the library's own controls allow.
"""

import json
import os
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.real.required import NODE

ALGORITHMS = ["RS256", "ES256"]


@dataclass(frozen=True)
class Source:
    """Where the keys are and who has to have issued the tokens."""

    jwks_uri: str
    issuer: str
    ca_file: Path

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


class Verifier(Protocol):
    def check(self, token: str) -> dict[str, Any]:
        """The claims; raises ``Refused``."""

    def renew(self) -> None:
        """Fetch the keys again, where no age of the cache makes the library do so."""

    def close(self) -> None: ...


class Refused(Exception):
    """``str`` is the library's own name for the reason."""


class PyJwt:
    def __init__(self, source: Source, *, impatient: bool = False) -> None:
        self._issuer = source.issuer
        self._keys = jwt.PyJWKClient(
            source.jwks_uri, lifespan=0.5 if impatient else 300, ssl_context=source.tls
        )

    def check(self, token: str) -> dict[str, Any]:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token, key, algorithms=ALGORITHMS, issuer=self._issuer, options={"require": ["exp", "iss"]}
            )
        except jwt.PyJWTError as exc:
            raise Refused(type(exc).__name__) from exc

    def renew(self) -> None:
        """``lifespan`` does it."""

    def close(self) -> None:
        pass


class Joserfc:
    """Brings no fetcher: its user fetches once with urllib, and again when told to."""

    def __init__(self, source: Source, *, impatient: bool = False) -> None:
        self._source = source
        self._keys: KeySet | None = None

    def check(self, token: str) -> dict[str, Any]:
        if self._keys is None:
            self.renew()
        assert self._keys is not None
        expected = joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._source.issuer}, exp={"essential": True}
        )
        try:
            decoded = joserfc_jwt.decode(token, self._keys, algorithms=ALGORITHMS)
            expected.validate(decoded.claims)
        except JoseError as exc:
            raise Refused(type(exc).__name__) from exc
        return dict(decoded.claims)

    def renew(self) -> None:
        with urllib.request.urlopen(self._source.jwks_uri, context=self._source.tls, timeout=10) as answer:
            self._keys = KeySet.import_key_set(json.load(answer))

    def close(self) -> None:
        pass


class NodeVerifier:
    """A script of tests/node in a Node process that lives as long as the verifier."""

    script: str

    def __init__(self, source: Source, *, impatient: bool = False, max_age_seconds: float = 0.5) -> None:
        options: dict[str, Any] = {"jwksUri": source.jwks_uri, "issuer": source.issuer}
        if impatient:
            options["maxAge"] = max_age_seconds * 1000
        self._node = subprocess.Popen(
            ["node", self.script, json.dumps(options)],
            cwd=NODE, env={"NODE_EXTRA_CA_CERTS": str(source.ca_file), "PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(command) + "\n")
        self._node.stdin.flush()
        answer: dict[str, Any] = json.loads(self._node.stdout.readline())
        if "refusal" in answer:
            raise Refused(answer["refusal"])
        return answer

    def check(self, token: str) -> dict[str, Any]:
        return dict(self._ask({"token": token})["claims"])

    def renew(self) -> None:
        self._ask({"renew": True})

    def close(self) -> None:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(10)
        self._node.stdout.close()


class Jose(NodeVerifier):
    script = "jose.mjs"


class AwsJwtVerify(NodeVerifier):
    script = "aws-jwt-verify.mjs"
