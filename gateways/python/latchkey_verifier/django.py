"""Keys in Django: a decorator for views, sync and async, and a middleware for whoever only wants to know."""

import asyncio
import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from latchkey_verifier.portal import key_checker
from latchkey_verifier.verifier import PortalVerifier, Refused
from tokens.checker import CheckedKey

_OPTIONS: Final[dict[str, tuple[str, tuple[type, ...]]]] = {
    "PORTAL": ("portal", (str,)),
    "AUDIENCE": ("audience", (str, list, tuple)),
    "ISSUER": ("issuer", (str,)),
    "LEEWAY": ("leeway", (timedelta,)),
    "CUSTOMER_CLAIM": ("customer_claim", (str,)),
    "STATUS_LISTS": ("status_lists", (bool,)),
    "JWKS_FRESH_SECONDS": ("jwks_fresh_seconds", (int, float)),
}
View = TypeVar("View", bound=Callable[..., Any])


class KeyedRequest(HttpRequest):
    """For annotations: the request of a view behind ``require_key``."""

    latchkey_key: CheckedKey


@functools.cache
def portal_verifier() -> PortalVerifier:
    """The one that the setting ``LATCHKEY`` describes; raises ImproperlyConfigured."""
    given = getattr(settings, "LATCHKEY", None)
    if not isinstance(given, dict):
        raise ImproperlyConfigured('LATCHKEY is missing: a dict with "PORTAL" and "AUDIENCE".')
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _OPTIONS:
            raise ImproperlyConfigured(f"LATCHKEY has no {name!r}; there are: {', '.join(_OPTIONS)}.")
        option, types = _OPTIONS[name]
        if not isinstance(value, types) or value in ("", [], ()):
            expected = " or ".join(kind.__name__ for kind in types)
            raise ImproperlyConfigured(f'LATCHKEY["{name}"] is empty or no {expected}.')
        options[option] = value
    if "portal" not in options:
        raise ImproperlyConfigured('LATCHKEY["PORTAL"] is missing.')
    try:
        return PortalVerifier(key_checker(**options))
    except ValueError as exc:
        raise ImproperlyConfigured(f'LATCHKEY["PORTAL"]: {exc}.') from None


def _forget(*, setting: str, **_: object) -> None:
    if setting == "LATCHKEY":
        portal_verifier.cache_clear()


setting_changed.connect(_forget)


def require_key(*scopes: str, verifier: PortalVerifier | None = None) -> Callable[[View], View]:
    """Let a view answer only requests with a good key that has all of those scopes.

    The view finds it as ``request.latchkey_key``, and no CSRF token is asked for: a browser sends no key by
    itself. ``verifier`` is for a second portal.
    """

    def decorated(view: View) -> View:
        def admit(request: HttpRequest) -> HttpResponse | None:
            try:
                key = (verifier or portal_verifier()).key(request.headers.get("Authorization"), *scopes)
            except Refused as exc:
                return HttpResponse(exc.body, status=exc.status, headers=exc.headers)
            request.latchkey_key = key  # type: ignore[attr-defined]
            return None

        @functools.wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return admit(request) or view(request, *args, **kwargs)

        @functools.wraps(view)
        async def answer_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # In a thread: once in a while it fetches.
            return await asyncio.to_thread(admit, request) or await view(request, *args, **kwargs)

        chosen = cast(Any, answer_async if iscoroutinefunction(view) else answer)
        chosen.csrf_exempt = True
        return cast(View, chosen)

    return decorated


def found_key(request: HttpRequest) -> CheckedKey | None:
    """The request's key, or None when there is no good one or nobody can tell; it never refuses."""
    try:
        return portal_verifier().key(request.headers.get("Authorization"))
    except Refused:
        return None


@sync_and_async_middleware
def key_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Set ``request.latchkey_key`` for all views, looked up when it is used; false without a good key.

    It refuses nothing: ``require_key`` does. Async views write ``await request.alatchkey_key()``, as a
    look-up may wait for the portal.
    """

    def attach(request: HttpRequest) -> None:
        keyed = cast(Any, request)
        keyed.latchkey_key = SimpleLazyObject(lambda: found_key(request))
        keyed.alatchkey_key = functools.partial(asyncio.to_thread, found_key, request)

    def answer(request: HttpRequest) -> HttpResponseBase:
        attach(request)
        return cast(HttpResponseBase, get_response(request))

    async def answer_async(request: HttpRequest) -> HttpResponseBase:
        attach(request)
        return cast(HttpResponseBase, await get_response(request))

    return answer_async if iscoroutinefunction(get_response) else answer
