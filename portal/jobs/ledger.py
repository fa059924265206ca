"""The call ledger: the intent is committed before a creation leaves, and the result after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from portal.core.clock import Moment, elapsed_since, moment, now
from portal.core.failpoints import failpoint
from portal.core.sealing import seal, unseal
from portal.core.stopping import Stopping, stopping
from portal.models import Call, Operation, ProviderAccount, User
from portal.services.operations.run import fenced
from provisioning.contract import Plugin, Resource, check_id
from provisioning.errors import Misconfigured, OutcomeUnknown, ProvisioningError, Transient
from provisioning.secret import Secret

T = TypeVar("T")
SETTLE = timedelta(seconds=20)
"""So long a request whose answer was lost may still take effect at the provider."""


class AbsenceUnknown(Misconfigured):
    """A creation may have happened and the plugin can't look it up: a person must."""


class DatabaseCalls:
    """``Calls`` for one run of one operation. ``settle`` is as ``settle_of`` tells it."""

    def __init__(self, operation: Operation, *, settle: timedelta = SETTLE) -> None:
        self._operation, self._settle = operation, settle

    def ensure(
        self,
        step: str,
        *,
        create: Callable[[], Resource],
        find: Callable[[], Resource | None] | None = None,
        renew: Callable[[str], Secret] | None = None,
        account: str | None = None,
        personal: bool = False,
    ) -> Resource:
        if stopping.is_set():
            raise Stopping
        scope = self._scope(account, personal=personal)
        found = Call.objects.filter(scope=scope, step__in=(step, Call.RESTORED))
        calls = {call.step: call for call in found}
        call = calls.get(step)
        resource = self._look_up(call or calls.get(Call.RESTORED), create, find, shared=account is not None)
        if resource is None:
            call = self._intend(call, scope, step)
            resource = _known(call) or self._attempt(call, create)
            failpoint("resource.created")
        if call is None or not call.resource_id:
            call = call or Call(scope=scope, step=step)
            self._store(call, resource, account, personal=personal)
            failpoint("resource.stored")
        if resource.secret is None and renew is not None:
            resource = Resource(resource.id, self._renew(call, renew))
        return resource

    def forget(self, step: str, *, account: str | None = None, personal: bool = False) -> None:
        with self._only_run():
            Call.objects.filter(scope=self._scope(account, personal=personal), step=step).delete()
            if account is not None:
                ProviderAccount.objects.filter(**self._account(account, personal=personal)).delete()

    def choose(self, step: str, make: Callable[[], Secret]) -> Secret:
        scope, step = self._scope(None, personal=False), f"choice of {step}"
        call = Call.objects.filter(scope=scope, step=step).first()
        if call is None:
            with self._only_run():
                call = Call.objects.create(scope=scope, step=step, sealed_secret=seal(make()))
            failpoint("choice.stored")
        return unseal(call.sealed_secret)

    def _scope(self, account: str | None, *, personal: bool) -> str:
        if account is None:
            return self._operation.public_id
        shared = f"{self._operation.plugin} {self._operation.customer.public_id} {account}"
        return f"{shared} {self._person().public_id}" if personal else shared

    def _person(self) -> User:
        if self._operation.user is None:
            raise Misconfigured("user_gone", "The user was deleted meanwhile.")
        return self._operation.user

    @contextmanager
    def _only_run(self) -> Iterator[None]:
        """A transaction that commits only if no other run has the operation, or did this step."""
        try:
            with transaction.atomic():
                fenced(self._operation)
                yield
        except IntegrityError as exc:
            raise _another_run(self._settle) from exc

    def _look_up(
        self,
        call: Call | None,
        create: Callable[[], Resource],
        find: Callable[[], Resource | None] | None,
        *,
        shared: bool,
    ) -> Resource | None:
        """What earlier attempts made, once nothing can land any more; None when it is to be created."""
        look = None if find is create else find  # repeating a creation is a new attempt
        if call is not None and call.resource_id:
            return self._still_there(call, look) if call.confirmed_absent else _known(call)
        if call is None or call.attempt_at is None:
            # An account may be there since before the backup that this database was restored from.
            return look() if look and shared else None
        wait_until_settled(call, self._settle)
        if find is None and not call.confirmed_absent:
            raise AbsenceUnknown(
                "outcome_unknown",
                f"The answer to {call.step} was lost and can't be looked up. Look for it, then retry.",
            )
        return _looked_up(look, call)

    def _still_there(self, call: Call, look: Callable[[], Resource | None] | None) -> Resource | None:
        """What a person says was deleted by hand: believed where the plugin can't look."""
        found = _looked_up(look, call)
        if found is not None and found.id == call.resource_id:
            return _known(call)
        with self._only_run():
            Call.objects.filter(pk=call.pk).update(resource_id="", sealed_secret="")
        call.resource_id = call.sealed_secret = ""
        return found

    def _intend(self, seen: Call | None, scope: str, step: str) -> Call:
        """Commit that a request is about to leave; or return the call as another run completed it."""
        with self._only_run():
            if seen is None:
                call = Call(scope=scope, step=step)
            else:
                call = Call.objects.select_for_update(no_key=True).get(pk=seen.pk)
                if call.resource_id != seen.resource_id:
                    return call
                if call.attempt_at != seen.attempt_at:
                    raise _another_run(self._settle)
            call.confirmed_absent = False
            for name, value in _stamp(moment()).items():
                setattr(call, name, value)
            call.save()
        failpoint("intent.stored")
        return call

    def _renew(self, call: Call, renew: Callable[[str], Secret]) -> Secret:
        """Replace the secret that was lost; not while an earlier replacement may still take effect."""
        if call.attempt_at is not None:
            wait_until_settled(call, self._settle)
        call = self._intend(call, call.scope, call.step)
        secret = self._attempt(call, lambda: renew(call.resource_id))
        failpoint("secret.renewed")
        with self._only_run():
            Call.objects.filter(pk=call.pk).update(attempt_at=None, sealed_secret=seal(secret))
        return secret

    def _attempt(self, call: Call, request: Callable[[], T]) -> T:
        try:
            return request()
        except OutcomeUnknown:
            self._note(call, _stamp(moment()))  # so long its request was on its way
            raise
        except ProvisioningError:
            self._note(call, {"attempt_at": None})  # an answer: nothing was done, nothing to wait for
            raise

    def _note(self, call: Call, stamp: dict[str, Any]) -> None:
        with transaction.atomic():
            fenced(self._operation)
            Call.objects.filter(pk=call.pk, attempt_at=call.attempt_at).update(**stamp)

    def _store(self, call: Call, resource: Resource, account: str | None, *, personal: bool) -> None:
        check_id(resource.id)
        with self._only_run():
            call.resource_id, call.attempt_at, call.created_at = resource.id, None, now()
            call.sealed_secret = seal(resource.secret) if resource.secret else ""
            call.confirmed_absent = False
            call.save()
            if account is not None:
                ProviderAccount.objects.update_or_create(
                    **self._account(account, personal=personal),
                    defaults={"external_id": resource.id, "state": "ready"},
                )

    def _account(self, kind: str, *, personal: bool) -> dict[str, Any]:
        """What tells this account from others."""
        return {
            "plugin": self._operation.plugin, "customer": self._operation.customer, "kind": kind,
            "user": self._person() if personal else None,
        }  # fmt: skip


def _looked_up(look: Callable[[], Resource | None] | None, call: Call) -> Resource | None:
    try:
        return look() if look else None
    except Misconfigured:
        if call.confirmed_absent:  # we may not look; a person did
            return None
        raise


def _known(call: Call) -> Resource | None:
    """What the call created, with its secret while that is kept."""
    if not call.resource_id:
        return None
    return Resource(call.resource_id, unseal(call.sealed_secret) if call.sealed_secret else None)


def settle_of(plugin: Plugin) -> timedelta:
    """How long its lost requests may still take effect: ``SETTLE``, or the longer time that it names."""
    return max(SETTLE, getattr(plugin, "settle", None) or SETTLE)


def wait_until_settled(call: Call, settle: timedelta) -> None:
    """Raise ``Transient`` while the request that ``call`` tells of may still take effect."""
    assert call.attempt_at is not None
    attempt = Moment(call.attempt_at, call.attempt_boot, call.attempt_uptime or 0)
    left = settle - elapsed_since(attempt)
    if left > timedelta(0):
        raise Transient("settling", "An earlier request may still take effect; waiting.", retry_after=left)


def _stamp(attempt: Moment) -> dict[str, Any]:
    return {
        "attempt_at": attempt.at, "attempt_boot": attempt.boot, "attempt_uptime": attempt.uptime,
    }  # fmt: skip


def _another_run(settle: timedelta) -> Transient:
    return Transient("settling", "Another run just sent this request.", retry_after=settle)
