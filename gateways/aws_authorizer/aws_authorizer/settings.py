"""What the function's environment says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tokens import strict_json
from tokens.checker import KeyChecker
from tokens.fetch import is_fetchable
from tokens.jwk import HMAC, InvalidKey, load_key, load_public_key
from tokens.keyset import Keys, OneKey, VerificationKey
from tokens.remote_keys import RemoteKeys
from tokens.remote_statuses import RemoteStatuses
from tokens.verify import Verifier

JWKS_PATH: Final = "/.well-known/jwks.json"
LISTS_PATH: Final = "/.well-known/status-lists"
REQUIRED_CLAIMS: Final = ("iss", "sub", "exp", "iat")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MOST_LEEWAY_SECONDS: Final = 300
MOST_ROUTES: Final = 100
# API Gateway takes ARNs of 512 characters; a stage's own may have 150.
_ROUTE: Final = re.compile(r"(?P<method>[A-Z]+) (?P<path>/(?:[^\s?*{}]|\{[\w.-]+\+?\}){0,300})")


class BadSetting(ValueError):
    """A variable that is missing or makes no sense; the message names it, never its value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


@dataclass(frozen=True)
class Route:
    """A route as API Gateway names it, and what it needs beyond what all need."""

    name: str
    """The route key: ``GET /orders/{id}``."""
    scopes: frozenset[str]

    @property
    def patterns(self) -> list[str]:
        """``METHOD/path`` as in ARNs, parameters as ``*``; a list because ANY stands for all methods.

        Never ``*`` for a method: it would match slashes too, and so other paths.
        """
        method, _, path = self.name.partition(" ")
        path = re.sub(r"\{[^{}]*\}", "*", path)
        return [f"{name}{path}" for name in (METHODS if method == "ANY" else [method])]


@dataclass(frozen=True)
class Settings:
    """Parsed; ``checker`` holds the keys."""

    checker: KeyChecker = field(repr=False)
    required_scopes: frozenset[str]
    routes: tuple[Route, ...]
    """When there are any, all others are refused."""
    simple_responses: bool


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the variables that README.md lists; raises BadSetting. Nothing is fetched yet."""
    read = {name: value.strip() for name, value in environ.items() if value.strip()}
    issuer = read.get("ISSUER")
    if not issuer:
        raise BadSetting("ISSUER", "is missing")
    keys = _keys(read, issuer)
    verifier = Verifier(
        keys, issuer, audience=_audience(read), leeway=_leeway(read), required=REQUIRED_CLAIMS
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
        if "ALGORITHM" in read:
            raise BadSetting("ALGORITHM", "is the JWKS's to say; it goes with PUBLIC_KEY and SHARED_SECRET")
        url = read.get("JWKS_URI", issuer.rstrip("/") + JWKS_PATH)
        if not is_fetchable(url):
            raise BadSetting(
                "JWKS_URI", "is no https address" if named else "is missing: ISSUER is no address"
            )
        return RemoteKeys(url)
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
    """The portal's lists, which its published keys sign, whatever verifies the customers' ones.

    By default they are beside the JWKS, or else the issuer's. Where neither has the portal's addresses
    keys have no status.
    """
    portal = read["JWKS_URI"].removesuffix(JWKS_PATH) if "JWKS_URI" in read else issuer.rstrip("/")
    url = read.get("STATUS_LISTS", portal + LISTS_PATH if is_fetchable(portal) else "off")
    if url == "off":
        return None
    if not url.endswith(LISTS_PATH) or not is_fetchable(url):
        raise BadSetting("STATUS_LISTS", f"is off, or an https address that ends with {LISTS_PATH}")
    portal = url.removesuffix(LISTS_PATH)
    same = isinstance(keys, RemoteKeys) and keys.url == portal + JWKS_PATH
    return RemoteStatuses(url, keys if same else RemoteKeys(portal + JWKS_PATH))


def _audience(read: Mapping[str, str]) -> tuple[str, ...]:
    listed = tuple(part.strip() for part in read.get("AUDIENCE", "").split(","))
    if "AUDIENCE" not in read:
        return ()
    if not all(listed):
        raise BadSetting("AUDIENCE", "has an empty entry")
    return listed


def _leeway(read: Mapping[str, str]) -> timedelta:
    text = read.get("LEEWAY_SECONDS", "0")
    if re.fullmatch("[0-9]{1,3}", text) is None or int(text) > MOST_LEEWAY_SECONDS:
        raise BadSetting("LEEWAY_SECONDS", f"is not a number from 0 to {MOST_LEEWAY_SECONDS}")
    return timedelta(seconds=int(text))


def _routes(read: Mapping[str, str]) -> tuple[Route, ...]:
    if "ROUTE_SCOPES" not in read:
        return ()
    try:
        listed = strict_json.parse_object(read["ROUTE_SCOPES"].encode("utf-8", "surrogateescape"))
    except ValueError:
        raise BadSetting("ROUTE_SCOPES", 'is not JSON like {"GET /orders/{id}": "orders:read"}') from None
    if not 0 < len(listed) <= MOST_ROUTES:
        raise BadSetting("ROUTE_SCOPES", f"names no route, or more than {MOST_ROUTES}")
    return tuple(_route(name, scopes) for name, scopes in listed.items())


def _route(name: str, scopes: object) -> Route:
    parts = _ROUTE.fullmatch(name)
    if parts is None or parts["method"] not in (*METHODS, "ANY"):
        raise BadSetting("ROUTE_SCOPES", 'a route is like "GET /orders/{id}" or "ANY /files/{proxy+}"')
    if not isinstance(scopes, str):
        raise BadSetting("ROUTE_SCOPES", 'scopes are text, like "orders:read orders:write"; "" for none')
    return Route(name, frozenset(scopes.split()))


def _is_on(read: Mapping[str, str], name: str) -> bool:
    value = read.get(name, "true").lower()
    if value not in ("true", "false"):
        raise BadSetting(name, "is neither true nor false")
    return value == "true"
