"""The call ledger: the intent is committed before a creation leaves, and the result after it."""

from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction

from portal.core.clock import now
from portal.models import Call, Operation, ProviderAccount
from portal.services.operations import fenced
from provisioning.contract import Resource
from provisioning.errors import Misconfigured, OutcomeUnknown, ProvisioningError, Transient

SETTLE = timedelta(seconds=20)
"""So long a request whose answer was lost may still take effect at the provider."""


class AbsenceUnknown(Misconfigured):
    """A creation may have happened and the plugin can't look it up: a person must."""


class DatabaseCalls:
    """``Calls`` for one run of one operation."""

    def __init__(self, operation: Operation, *, settle: timedelta = SETTLE) -> None:
        self._operation = operation
        self._settle = settle

    def ensure(
        self,
        step: str,
        *,
        create: Callable[[], Resource],
        find: Callable[[], Resource | None] | None = None,
        account: str | None = None,
    ) -> Resource:
        scope = self._scope(account)
        call = self._begin(scope, step)
        if call.resource_id:
            return Resource(call.resource_id)
        resource = self._recover(call, find) if call.attempt_at is not None else None
        if resource is None:
            resource = self._intend(call) or self._create(call, create)
        self._store(call, resource, account)
        return resource

    def _scope(self, account: str | None) -> str:
        if account is None:
            return self._operation.public_id
        return f"{self._operation.plugin} {self._operation.customer.public_id} {account}"

    def _begin(self, scope: str, step: str) -> Call:
        call = Call.objects.filter(scope=scope, step=step).first()
        if call is None:
            try:
                with transaction.atomic():
                    fenced(self._operation)
                    call = Call.objects.create(scope=scope, step=step)
            except IntegrityError:
                call = Call.objects.get(scope=scope, step=step)
        return call

    def _recover(self, call: Call, find: Callable[[], Resource | None] | None) -> Resource | None:
        """What an earlier attempt left at the provider, once it can't land any more."""
        assert call.attempt_at is not None
        left = call.attempt_at + self._settle - now()
        if left > timedelta(0):
            raise Transient(
                "settling", "An earlier request may still take effect; waiting.", retry_after=left
            )
        if find is None:
            raise AbsenceUnknown(
                "outcome_unknown",
                f"The answer to {call.step} was lost and can't be looked up. Look for it, then retry.",
            )
        return find()

    def _intend(self, call: Call) -> Resource | None:
        """Commit that a request is about to leave, or return what another run made meanwhile."""
        with transaction.atomic():
            fenced(self._operation)
            current = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
            if current.resource_id:
                return Resource(current.resource_id)
            if current.attempt_at != call.attempt_at:
                raise Transient("settling", "Another run just sent this request.", retry_after=self._settle)
            call.attempt_at = now()
            call.save(update_fields=["attempt_at"])
        return None

    def _create(self, call: Call, create: Callable[[], Resource]) -> Resource:
        try:
            return create()
        except ProvisioningError as exc:
            if isinstance(exc, OutcomeUnknown):
                raise
            # The provider answered: nothing was created, so the next attempt needn't wait.
            with transaction.atomic():
                fenced(self._operation)
                Call.objects.filter(pk=call.pk, attempt_at=call.attempt_at).update(attempt_at=None)
            raise

    def _store(self, call: Call, resource: Resource, account: str | None) -> None:
        with transaction.atomic():
            fenced(self._operation)
            call.resource_id = resource.id
            call.save(update_fields=["resource_id"])
            if account is not None:
                ProviderAccount.objects.update_or_create(
                    plugin=self._operation.plugin, customer=self._operation.customer, user=None, kind=account,
                    defaults={"external_id": resource.id, "state": "ready"},
                )  # fmt: skip
