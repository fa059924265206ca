"""Engines and plugins broken on purpose: a campaign that finds nothing wrong with them is worth nothing."""

import sys
from datetime import timedelta
from typing import Any


def break_engine(how: str) -> None:
    """Break this process's engine; empty leaves it whole. Raises ``KeyError`` for an unknown way."""
    if how:
        _WAYS[how]()


def _no_intent() -> None:
    """Nothing stored tells that a request is about to leave."""
    from portal.jobs.ledger import DatabaseCalls
    from portal.models import Call

    intend = DatabaseCalls._intend

    def forget(calls: Any, *given: Any) -> Any:
        call = intend(calls, *given)
        Call.objects.filter(pk=call.pk).update(attempt_at=None)
        return call

    DatabaseCalls._intend = forget  # type: ignore[method-assign,assignment]


def _no_settle() -> None:
    """Nobody waits until a lost request can't land any more."""
    from portal.jobs import ledger

    ledger.SETTLE = timedelta(0)


def _no_fencing() -> None:
    """A run that lost its lease writes all the same."""
    from portal.models import Operation

    def fenced(operation: Any) -> Any:
        return Operation.objects.select_for_update(no_key=True).get(pk=operation.pk)

    _replace("fenced", fenced)


def _sdk_retries() -> None:
    """Auth0's SDK repeats by itself what had no answer, as it does unless it is told not to."""
    from auth0.management.core.http_client import HttpClient

    HttpClient.base_max_retries = property(lambda _: 2, lambda *_: None)  # type: ignore[assignment]


def _blind_lookup() -> None:
    """No application at Auth0 is ever found."""
    from provisioning.plugins.auth0_m2m.credentials import Credentials

    Credentials.find = lambda *_: None  # type: ignore[method-assign]


def _replace(name: str, other: Any) -> None:
    """Wherever the engine imported it."""
    import portal.jobs.handlers
    import portal.jobs.run  # noqa: F401

    places = [
        module
        for module in list(sys.modules.values())
        if getattr(module, "__name__", "").startswith("portal.") and hasattr(module, name)
    ]
    assert places, f"the engine has no {name} any more: mend this mutation"
    for module in places:
        setattr(module, name, other)


_WAYS = {
    "no_intent": _no_intent, "no_settle": _no_settle, "no_fencing": _no_fencing,
    "sdk_retries": _sdk_retries, "blind_lookup": _blind_lookup,
}  # fmt: skip
