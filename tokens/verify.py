"""The one verifier of JWTs (RFC 7519, RFC 8725, RFC 9068): introspection, /verify and gateways share it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final

from tokens import strict_json
from tokens.jws import Header, InvalidToken, verify_jws
from tokens.keyset import Keys, VerificationKey

__all__ = ["InvalidToken", "VerifiedToken", "Verifier"]

_ACCESS_TOKEN: Final = "at+jwt"
_ACCESS_TOKEN_CLAIMS: Final = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")  # RFC 9068 2.2
_TEXT_CLAIMS: Final = ("iss", "sub", "jti", "client_id", "scope")
_TIME_CLAIMS: Final = ("exp", "iat", "nbf")
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a good token said, its header and its claims, and the key that signed it."""

    header: dict[str, object]
    claims: dict[str, object]
    key: VerificationKey

    kid: str
    starts_at: float
    """Before this second it is not valid yet: the later of ``iat`` and ``nbf``."""
    ends_at: float
    """From this second on it has expired; infinite without ``exp``."""


@dataclass(frozen=True)
class Verifier:
    """The rules that tokens of one issuer are held against.

    Without ``audience`` only tokens without ``aud`` pass: one that names an audience is for somebody
    else (RFC 7519 4.1.3). ``types`` keeps other kinds of JWT out (RFC 8725 3.11). ``now`` returns
    seconds since 1970.
    """

    keys: Keys
    issuer: str
    audience: tuple[str, ...] = ()
    types: frozenset[str] = frozenset({"JWT", "at+jwt"})
    leeway: timedelta = timedelta()
    required: tuple[str, ...] = ("iss", "sub", "exp", "iat", "jti")
    now: Callable[[], float] = time.time

    def verify(self, token: str | bytes) -> VerifiedToken:
        """Return what the token says; raises InvalidToken, and nothing else, for a bad one.

        Codes beside those of the JWS layer: ``wrong_type missing_claim bad_claim wrong_issuer
        wrong_audience expired not_yet_valid``.
        """
        header, payload, key = verify_jws(token, self._find_key)
        typ = self._require_type(header)
        try:
            claims = strict_json.parse_object(payload)
        except ValueError:
            raise InvalidToken("malformed", "the claims are not a strict JSON object") from None
        self._require_claims(claims, _ACCESS_TOKEN_CLAIMS if typ == _ACCESS_TOKEN else ())
        if claims.get("iss") != self.issuer:
            raise InvalidToken("wrong_issuer", "the token is from another issuer")
        self._require_audience(claims)
        exp, iat, nbf = (seconds(claims.get(name)) for name in _TIME_CLAIMS)
        verified = VerifiedToken(
            header, claims, key, str(header["kid"]), max(iat or 0.0, nbf or 0.0), inf if exp is None else exp
        )
        self.require_time(verified)
        return verified

    def _find_key(self, header: Header) -> VerificationKey | None:
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise InvalidToken("malformed", "the header names no key")
        return self.keys.get(kid)

    def _require_type(self, header: Header) -> str:
        """Media types compare without case, and the prefix may be left out (RFC 7515 4.1.9)."""
        typ = header.get("typ")
        name = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
        if name not in {known.lower() for known in self.types}:
            raise InvalidToken("wrong_type", "the token is of another kind")
        return name

    def _require_claims(self, claims: dict[str, object], also: tuple[str, ...]) -> None:
        missing = next((name for name in (*self.required, *also) if name not in claims), None)
        if missing:
            raise InvalidToken("missing_claim", f"{missing} is missing")
        for name in _TEXT_CLAIMS:
            if not isinstance(claims.get(name, ""), str):
                raise InvalidToken("bad_claim", f"{name} is not text")
        for name in _TIME_CLAIMS:
            if name in claims and seconds(claims[name]) is None:
                raise InvalidToken("bad_claim", f"{name} is not a time")

    def _require_audience(self, claims: dict[str, object]) -> None:
        if "aud" not in claims:
            if self.audience:
                raise InvalidToken("missing_claim", "aud is missing")
            return
        named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if not named or not all(isinstance(name, str) for name in named):
            raise InvalidToken("bad_claim", "aud is neither text nor a list of texts")
        if not set(self.audience).intersection(named):
            raise InvalidToken("wrong_audience", "the token is for somebody else")

    def require_time(self, token: VerifiedToken) -> None:
        """Raise InvalidToken unless it is valid at this moment, give or take the leeway."""
        now, leeway = self.now(), self.leeway.total_seconds()
        if now >= token.ends_at + leeway:
            raise InvalidToken("expired", "the token has expired")
        if now < token.starts_at - leeway:
            raise InvalidToken("not_yet_valid", "the token is from the future")


def seconds(value: object) -> float | None:
    """Return a NumericDate between 1970 and 9999, or None; a bool is an int to Python but not to JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        return None
    return value
