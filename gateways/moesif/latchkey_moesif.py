"""Tell Moesif whose call it was, and never the key: settings for ``moesifdjango``.

Whose key it was is read from what ``latchkey_verifier`` found good, never from the request's header.
"""

import base64
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from latchkey_verifier import CheckedKey
from moesifdjango.middleware import moesif_middleware

log = logging.getLogger("latchkey_moesif")

SECRET_HEADERS: Final = ("Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key")
# Three parts of base64url, the first with `eyJ` in it, as a JWT's header begins with `{"`. Callers choose the
# text: possessive, and only from where a run of such letters begins, or searching would take quadratic time.
_JWT: Final = re.compile(
    r"(?<![\w-])(?=[\w-]*eyJ)[\w-]++(?:\.|%2E)[\w-]++(?:\.|%2E)[\w-]*+", re.IGNORECASE | re.ASCII
)
_MASKED: Final = "[key]"


def moesif_settings(application_id: str) -> dict[str, Any]:
    """What ``MOESIF_MIDDLEWARE`` needs; more of Moesif's options may be added."""
    return {
        "APPLICATION_ID": application_id,
        "IDENTIFY_USER": identify_user,
        "IDENTIFY_COMPANY": identify_company,
        # Taken out before anything else looks at them. That is not for secrecy alone: where IDENTIFY_USER
        # says nothing, moesifdjango believes the `sub` of any token in this header, good or not.
        "REQUEST_HEADER_MASKS": list(SECRET_HEADERS),
        "RESPONSE_HEADER_MASKS": ["Set-Cookie"],
        "MASK_EVENT_MODEL": mask_event,
        "LOG_BODY": False,
    }


class CarefulMoesif:
    """moesifdjango's middleware for an API that goes on without Moesif.

    Left alone, it keeps a server from starting while Moesif is away, and answers every call with 500 when
    Moesif refused the application id.
    """

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._complained = False
        self._moesif: Callable[[Any], Any] | None = None
        try:
            self._moesif = moesif_middleware(self._answered)
        except Exception as exc:  # whatever it is, the API has to start
            log.error("moesif.not_started error=%s; no call is told until a restart", type(exc).__name__)

    def __call__(self, request: Any) -> Any:
        if self._moesif is None:
            return self._get_response(request)
        try:
            return self._moesif(request)
        except Exception as exc:  # Moesif's: what views raise, Django makes an answer of before it comes here
            if not hasattr(request, "_answered"):
                raise
            if not self._complained:
                self._complained = True
                log.error("moesif.failed error=%s; calls are answered and not told", type(exc).__name__)
            return request._answered

    def _answered(self, request: Any) -> Any:
        request._answered = self._get_response(request)
        return request._answered


def identify_company(request: Any, response: Any) -> str | None:
    """The customer of the request's good key, as billing knows it; None without one."""
    key = _good_key(request)
    return key.customer if key else None


def identify_user(request: Any, response: Any) -> str | None:
    """The user of the request's good key; None without one."""
    key = _good_key(request)
    return key.user if key else None


def _good_key(request: Any) -> CheckedKey | None:
    """Left by ``require_key`` and ``key_middleware``, or by ``KeyAuthentication`` in DRF."""
    for place in ("latchkey_key", "auth"):
        key = getattr(request, place, None)
        if isinstance(key, CheckedKey):
            return key
    return None


def mask_event(event: Any) -> Any:
    """Take everything out of an event that looks like a key, wherever a caller or the API wrote it.

    moesifdjango sends an event as it was when this fails: so what takes more doing is away first.
    """
    event.session_token = None  # the session's cookie: who has it, is signed in to the API
    event.request.uri = _masked(event.request.uri)
    for part in (event.request, event.response):
        body, part.body = part.body, None
        part.headers = _masked(part.headers)
        if part.transfer_encoding == "base64" and isinstance(body, str):
            plain = base64.b64decode(body).decode("latin-1")
            body = base64.b64encode(_masked(plain).encode("latin-1")).decode()
        part.body = _masked(body)
    event.metadata = _masked(event.metadata)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _JWT.sub(_MASKED, value)
    if isinstance(value, Mapping):
        return {_masked(name): _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value
