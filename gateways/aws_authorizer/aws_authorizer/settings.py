"""What the function's environment says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tokens.checker import KeyChecker
from tokens.jwk import HMAC, InvalidKey, load_key, load_public_key
from tokens.keyset import Keys, OneKey, VerificationKey
from tokens.remote_keys import RemoteKeys
from tokens.remote_statuses import RemoteStatuses
from tokens.verify import Verifier

JWKS_PATH: Final = "/.well-known/jwks.json"
LISTS_PATH: Final = "/.well-known/status-lists"
REQUIRED_CLAIMS: Final = ("iss", "sub", "exp", "iat")
MOST_LEEWAY_SECONDS: Final = 300
_ROUTE: Final = re.compile(r"(?P<method>[A-Z]+|\*) (?P<path>/[^?\s]*)")


class BadSetting(ValueError):
    """A variable that is missing or makes no sense; the message names it, never its value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


@dataclass(frozen=True)
class RouteScopes:
    """What one kind of route needs beyond what all need."""

    pattern: str
    """``METHOD/path`` as in an ARN, with ``*`` for any characters."""
    scopes: frozenset[str]


@dataclass(frozen=True)
class Settings:
    """Parsed; ``checker`` holds the keys."""

    checker: KeyChecker = field(repr=False)
    required_scopes: frozenset[str]
    routes: tuple[RouteScopes, ...]
    simple_responses: bool


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the variables that README.md lists; raises BadSetting."""
    read = {name: value.strip() for name, value in environ.items() if value.strip()}
    issuer = read.get("ISSUER")
    if not issuer:
        raise BadSetting("ISSUER", "is missing")
    keys = _keys(read, issuer)
    verifier = Verifier(
        keys,
        issuer,
        audience=tuple(part.strip() for part in read.get("AUDIENCE", "").split(",") if part.strip()),
        leeway=_leeway(read),
        required=REQUIRED_CLAIMS,
    )
    checker = KeyChecker(
        verifier,
        statuses=_statuses(read, issuer, keys),
        customer_claim=read.get("CUSTOMER_CLAIM", "org_id"),
        user_claim=read.get("USER_CLAIM", "sub"),
    )
    return Settings(
        checker,
        frozenset(read.get("REQUIRED_SCOPES", "").split()),
        _routes(read),
        _is_on(read, "SIMPLE_RESPONSES"),
    )


def _keys(read: Mapping[str, str], issuer: str) -> Keys:
    """One source alone: a JWKS, a public key or a shared secret."""
    named = [name for name in ("JWKS_URI", "PUBLIC_KEY", "SHARED_SECRET") if name in read]
    if len(named) > 1:
        raise BadSetting(" and ".join(named), "give one of them: two kinds of keys let a token choose")
    if named in ([], ["JWKS_URI"]):
        return RemoteKeys(read.get("JWKS_URI", issuer.rstrip("/") + JWKS_PATH))
    name, is_secret = named[0], named == ["SHARED_SECRET"]
    algorithm = read.get("ALGORITHM", "HS256" if is_secret else "RS256")
    if (algorithm in HMAC) != is_secret:
        raise BadSetting("ALGORITHM", f"does not go with {name}")
    try:
        if is_secret:
            secret = load_key(read[name], algorithm)
            assert isinstance(secret, bytes)  # HS has no other kind
            return OneKey(VerificationKey("", algorithm, secret))
        return OneKey(VerificationKey("", algorithm, load_public_key(read[name], algorithm)))
    except InvalidKey as exc:
        raise BadSetting(name, str(exc)) from None


def _statuses(read: Mapping[str, str], issuer: str, keys: Keys) -> RemoteStatuses | None:
    """Lists are signed by the portal's published keys, whatever verifies the customers' ones."""
    is_remote = isinstance(keys, RemoteKeys)
    url = read.get("STATUS_LISTS", issuer.rstrip("/") + LISTS_PATH if is_remote else "off")
    if url == "off":
        return None
    if not url.endswith(LISTS_PATH):
        raise BadSetting("STATUS_LISTS", f"is off, or an address that ends with {LISTS_PATH}")
    published = url.removesuffix(LISTS_PATH) + JWKS_PATH
    same = is_remote and read.get("JWKS_URI", published) == published
    return RemoteStatuses(url, keys if same else RemoteKeys(published))


def _leeway(read: Mapping[str, str]) -> timedelta:
    text = read.get("LEEWAY_SECONDS", "0")
    if not text.isascii() or not text.isdigit() or int(text) > MOST_LEEWAY_SECONDS:
        raise BadSetting("LEEWAY_SECONDS", f"is not a number from 0 to {MOST_LEEWAY_SECONDS}")
    return timedelta(seconds=int(text))


def _routes(read: Mapping[str, str]) -> tuple[RouteScopes, ...]:
    try:
        listed = json.loads(read.get("ROUTE_SCOPES", "{}"))
    except ValueError:
        listed = None
    if not isinstance(listed, dict) or not all(isinstance(scopes, str) for scopes in listed.values()):
        raise BadSetting("ROUTE_SCOPES", 'is not JSON like {"GET /orders/{id}": "orders:read"}')
    return tuple(RouteScopes(_pattern(route), frozenset(scopes.split())) for route, scopes in listed.items())


def _pattern(route: str) -> str:
    parts = _ROUTE.fullmatch(route)
    if parts is None:
        raise BadSetting("ROUTE_SCOPES", 'a route is like "GET /orders/{id}" or "* /orders/*"')
    method = "*" if parts["method"] == "ANY" else parts["method"]
    return method + re.sub(r"\{[^{}]*\}", "*", parts["path"])


def _is_on(read: Mapping[str, str], name: str) -> bool:
    value = read.get(name, "true").lower()
    if value not in ("true", "false"):
        raise BadSetting(name, "is neither true nor false")
    return value == "true"
