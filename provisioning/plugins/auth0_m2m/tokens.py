"""The token with which the portal calls the Management API: fetched, kept, and replaced."""

import base64
import json
import threading
import time
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from provisioning.contract import Rate, Rates
from provisioning.errors import Misconfigured, ProvisioningError, Transient
from provisioning.plugins.auth0_m2m.config import Auth0Config
from provisioning.plugins.auth0_m2m.errors import RateLimited, connection_error, status_error
from provisioning.secret import Secret

LEEWAY_SECONDS = 60
"""A token that ends sooner is not begun with."""
RECENT_SECONDS = 300
SHARED_SECONDS = 1
SOON = timedelta(seconds=1)
YOUNG_SECONDS = 10
"""What a younger token may not do, another may not either."""
BUCKET, RATE = "auth0-m2m tokens", Rate(5, 5)
"""Each process fetches one a day: this matters only when Auth0 says that it is enough."""


@dataclass(frozen=True)
class Token:
    """``scopes`` is None where Auth0 doesn't tell them. Instants are of the monotonic clock."""

    text: Secret = field(repr=False)
    scopes: frozenset[str] | None
    fetched_at: float
    expires_at: float

    @property
    def is_young(self) -> bool:
        return time.monotonic() < self.fetched_at + YOUNG_SECONDS


class TokenSource:
    """One token for all threads of the process.

    The SDK's own provider neither takes a time-out nor fetches another token when one was revoked,
    and its errors carry the client secret.
    """

    def __init__(self, config: Auth0Config, http: httpx.Client, rates: Rates) -> None:
        self._config, self._http, self._rates = config, http, rates
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failure: tuple[float, ProvisioningError] | None = None

    def current(self) -> Token:
        """A token that has a while to live. Raises ``Transient``, or ``Misconfigured`` when we get none."""
        with self._lock:
            if self._token is None or self._token.expires_at < time.monotonic() + LEEWAY_SECONDS:
                self._token = self._fetch_once()
            return self._token

    def held(self) -> Token:
        """The token that is there. For writes: fetching one would take of the time that they have."""
        token = self._token
        if token is None:
            raise Transient("auth0_token_refused", "Another token is fetched first.", retry_after=SOON)
        return token

    def recent(self) -> Token:
        """A token fetched in the last five minutes: it has the scopes of now, or nearly."""
        with self._lock:
            if self._token is None or self._token.fetched_at < time.monotonic() - RECENT_SECONDS:
                self._token = self._fetch_once()
            return self._token

    def drop(self, refused: Token) -> None:
        """Fetch another next time, if nobody has yet."""
        with self._lock:
            if self._token is refused:
                self._token = None

    def _fetch_once(self) -> Token:
        """Who waited while another's attempt failed, fails with it instead of trying as long again."""
        if self._failure is not None and time.monotonic() < self._failure[0]:
            raise copy(self._failure[1])
        try:
            return self._fetch()
        except ProvisioningError as exc:
            self._failure = time.monotonic() + SHARED_SECONDS, exc
            raise

    def _fetch(self) -> Token:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.reveal(),
            "audience": f"https://{self._config.domain}/api/v2/",
        }
        self._rates.take(BUCKET, RATE)
        asked_at = time.monotonic()
        try:
            answer = self._http.post(self._config.token_url, data=asked)
        except httpx.HTTPError as exc:
            # ``from None``: the request that it quotes holds the secret.
            raise connection_error(exc, write=False) from None
        if answer.status_code != 200:
            error = _refusal(answer)
            if isinstance(error, RateLimited) and error.retry_after is not None:
                self._rates.hold(BUCKET, error.retry_after)
            raise error
        try:
            told = answer.json()
            text, lifetime = Secret(told["access_token"]), float(told.get("expires_in", 3600))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Transient("auth0_unusable_answer", "Auth0's token answer can't be understood.") from None
        return Token(text, _scopes(told), asked_at, asked_at + lifetime)


def _refusal(answer: httpx.Response) -> ProvisioningError:
    if answer.status_code in (400, 401, 403, 404):
        return Misconfigured(
            "auth0_credentials_refused",
            "Auth0 gives the portal no token for the Management API. Look at PLUGIN_AUTH0_M2M_DOMAIN, "
            "_CLIENT_ID and _CLIENT_SECRET, and whether that application is authorized for the Auth0 "
            "Management API.",
        )
    error = status_error(answer.status_code, answer.headers, None, write=False)
    return error if isinstance(error, Transient) else Transient(error.code, error.detail)


def _scopes(told: dict[str, Any]) -> frozenset[str] | None:
    """As the answer names them, else as the token itself does; nothing rests on them but advice."""
    scope = told.get("scope")
    if scope is None:
        try:
            payload = told["access_token"].split(".")[1]
            scope = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("scope")
        except (ValueError, IndexError, AttributeError):
            return None
    return frozenset(scope.split()) if isinstance(scope, str) else None
