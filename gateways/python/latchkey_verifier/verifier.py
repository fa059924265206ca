"""A request's key, and what a request without a good one is answered (RFC 6750)."""

import json
import logging
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from tokens.checker import CheckedKey, KeyChecker
from tokens.jws import InvalidToken
from tokens.kept import COOLDOWN_SECONDS, Unavailable

log = logging.getLogger("latchkey_verifier")
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


class Refused(Exception):
    """What to answer instead: it tells a caller which kind of key is wanted, never why its own is bad."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str]) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        """``missing_key``, ``invalid_token``, ``insufficient_scope`` or ``unavailable``."""
        self.detail = detail
        self.headers = {**headers, "Content-Type": "application/problem+json", "Cache-Control": "no-store"}

    @property
    def body(self) -> str:
        """RFC 9457."""
        title = HTTPStatus(self.status).phrase
        members = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        return json.dumps({**members, "code": self.code})


class PortalVerifier:
    """Lets requests in by a portal's keys. Make one when the server starts; threads may share it."""

    def __init__(self, checker: KeyChecker) -> None:
        self._checker = checker

    def key(self, authorization: str | None, *scopes: str) -> CheckedKey:
        """Return whose key the ``Authorization`` header holds, with all of those scopes; raises Refused.

        It may wait for the portal: call it where blocking is allowed.
        """
        if not authorization:
            raise Refused(401, "missing_key", "Send a key: Authorization: Bearer <key>", _challenge())
        try:
            key = self._checker.check(_token(authorization))
        except InvalidToken as exc:
            log.info("latchkey.refused code=%s", exc.code)
            raise invalid_token() from None
        except Unavailable as exc:
            log.warning("latchkey.unavailable reason=%s", exc)
            raise Refused(
                503, "unavailable", "The key can't be checked at the moment.",
                {"Retry-After": f"{COOLDOWN_SECONDS:.0f}"},
            ) from None  # fmt: skip
        if key.lacks(scopes):
            log.info("latchkey.refused code=insufficient_scope")
            raise insufficient_scope(scopes)
        return key


def invalid_token() -> Refused:
    """A key that is malformed, expired, revoked or not for us (RFC 6750 3.1)."""
    return Refused(401, "invalid_token", "The key is not valid.", _challenge(error="invalid_token"))


def insufficient_scope(scopes: Iterable[str]) -> Refused:
    """A good key that may not do this; ``scopes`` are those that one needs."""
    needed = " ".join(scopes)
    challenge = _challenge(error="insufficient_scope", scope=needed)
    return Refused(403, "insufficient_scope", f"The key needs these scopes: {needed}", challenge)


def _token(authorization: str) -> str:
    """The one token. Servers join several headers by commas, which no token has."""
    found = _BEARER.fullmatch(authorization.strip(" \t"))
    if found is None:
        raise InvalidToken("malformed", "the header is not one Bearer token")
    return found[1]


def _challenge(**parameters: str) -> dict[str, str]:
    listed = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
    return {"WWW-Authenticate": f"Bearer {listed}".strip()}
