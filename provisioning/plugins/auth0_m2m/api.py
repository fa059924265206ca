"""The Management API through Auth0's SDK: one request a call, in turn, errors in the portal's words."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError
from auth0.management.core.pagination import SyncPager
from auth0.management.core.parse_error import ParsingError
from pydantic import BaseModel

from provisioning.contract import Rates
from provisioning.errors import ProvisioningError, Transient
from provisioning.plugins.auth0_m2m.config import Auth0Config
from provisioning.plugins.auth0_m2m.errors import (
    MissingScope,
    RateLimited,
    connection_error,
    lacks_scope,
    status_error,
    unusable,
)
from provisioning.plugins.auth0_m2m.limits import Kind
from provisioning.plugins.auth0_m2m.tokens import SOON, Token, TokenSource

PAGE = 100
"""Most items that Auth0 gives on a page."""
Ask = Callable[[Auth0], Any]
Item = dict[str, Any]


class ManagementApi:
    """Asks Auth0. An answer that was not heard is ``OutcomeUnknown`` after a write, else ``Transient``."""

    def __init__(self, config: Auth0Config, http: httpx.Client, tokens: TokenSource, rates: Rates) -> None:
        self._config, self._tokens, self._rates = config, tokens, rates
        # max_retries: the SDK would repeat a POST whose connection broke, and so create twice.
        self._sdk = Auth0(
            base_url=f"https://{config.domain}/api/v2",
            token=lambda: self._tokens.held().text.reveal(),
            httpx_client=http,
            max_retries=0,
        )

    def prepare(self) -> None:
        """Have a token before a step of the ledger begins: fetching one is no part of its time."""
        self._tokens.current()

    def read(self, kind: Kind, scope: str, ask: Ask) -> Item:
        return _item(self._call(kind, scope, ask, write=False), write=False)

    def read_list(self, kind: Kind, scope: str, ask: Ask) -> list[Item]:
        return _items(self._call(kind, scope, ask, write=False))

    def write(self, kind: Kind, scope: str, ask: Ask) -> Item:
        """Change something; an empty dict where Auth0 answers without a body."""
        return _item(self._call(kind, scope, ask, write=True), write=True)

    def pages(self, kind: Kind, scope: str, ask: Callable[[Auth0, int], Any]) -> Iterator[list[Item]]:
        """Page by page, a call each. Auth0's totals aren't to be trusted: a short page ends it."""
        page = 0
        while True:
            items = self.read_list(kind, scope, lambda sdk: ask(sdk, page))  # noqa: B023  # asked at once
            yield items
            if len(items) < PAGE:
                return
            page += 1

    def _call(self, kind: Kind, scope: str, ask: Ask, *, write: bool) -> Any:
        """What the SDK answers, or the body where it can't make sense of a success."""
        token = self._tokens.held() if write else self._tokens.current()
        limit = self._config.limits[kind]
        self._rates.take(f"auth0-m2m {limit.bucket}", limit.rate)
        try:
            return ask(self._sdk)
        except ParsingError as exc:
            # Its shape is news to the SDK. What was created is there all the same.
            if exc.status_code is None or not 200 <= exc.status_code < 300:
                raise unusable(write=write) from None
            return exc.body
        except httpx.HTTPError as exc:
            raise connection_error(exc, write=write) from None
        except ApiError as exc:
            raise self._error(exc, token, scope, limit.bucket, write=write) from None

    def _error(
        self, exc: ApiError, token: Token, scope: str, bucket: str, *, write: bool
    ) -> ProvisioningError:
        status, body = exc.status_code or 0, exc.body
        lacking = lacks_scope(status, body)
        if lacking or status == 401:
            # It was revoked, or the permission was granted since. The next attempt has one of its own.
            self._tokens.drop(token)
            if lacking and token.is_young:
                return MissingScope(scope)
            soon = None if token.is_young else SOON
            told = "Auth0 refused the portal's token. Nothing was done; another is fetched."
            return Transient("auth0_token_refused", told, retry_after=soon)
        error = status_error(status, exc.headers or {}, body, write=write)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self._rates.hold(f"auth0-m2m {bucket}", error.retry_after)
        return error


def _item(answer: Any, *, write: bool) -> Item:
    if isinstance(answer, BaseModel):
        return answer.model_dump()
    if answer is None or isinstance(answer, dict):
        return answer or {}
    raise unusable(write=write)


def _items(answer: Any) -> list[Item]:
    """The items of a list, or of the only list in an object."""
    if isinstance(answer, SyncPager):
        answer = answer.items or []
    if isinstance(answer, dict):
        answer = next((value for value in answer.values() if isinstance(value, list)), None)
    if not isinstance(answer, list):
        raise unusable(write=False)
    return [_item(item, write=False) for item in answer]
