"""The call ledger in memory, able to die at the three moments that matter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from provisioning.contract import Resource, check_id
from provisioning.errors import Misconfigured, OutcomeUnknown, ProvisioningError
from provisioning.secret import Secret


class Crash(BaseException):
    """The process died here. No Exception, so that a plugin can't catch what nobody can catch."""


class KillPoint(Enum):
    """Where a call goes wrong."""

    BEFORE_CREATE = "the intent is stored, the request never left"
    BEFORE_STORE = "the provider created it, its id was not stored"
    AFTER_STORE = "the id is stored, the plugin never heard of it"
    ANSWER_LOST = "the provider created it, its answer was lost (OutcomeUnknown, no crash)"


@dataclass
class MemoryLedger:
    """What survives a crash: each step's resource, or None while there is only an intent; choices."""

    rows: dict[tuple[str, str], Resource | None] = field(default_factory=dict)
    choices: dict[tuple[str, str], Secret] = field(default_factory=dict)

    def calls(
        self, customer_id: str, request: str, *, kill_at: KillPoint | None = None, kill_call: int = 0
    ) -> "MemoryCalls":
        """The ledger as one attempt of one request sees it; its call ``kill_call`` goes wrong."""
        return MemoryCalls(self, customer_id, request, kill_at, kill_call)


@dataclass
class MemoryCalls:
    """``Calls`` over a ``MemoryLedger``. Nothing is in flight here, so nothing has to be waited for.

    ``count`` is the number of calls so far, ``killed`` whether the planned one was reached.
    """

    ledger: MemoryLedger
    customer_id: str
    request: str
    kill_at: KillPoint | None = None
    kill_call: int = 0
    count: int = 0
    killed: bool = False

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
        """As the contract says: an account is looked up before it is created.

        Without ``find``, a lost step raises ``Misconfigured``.

        ``personal`` changes nothing here: in this suite a step names the person.
        """
        row, rows = (self._scope(account), step), self.ledger.rows
        kill_at = self.kill_at if self.count == self.kill_call else None
        self.count += 1
        known = rows.get(row)
        if known is not None:
            return self._with_secret(row, known, renew)
        resource = self._recovered(step, find) if row in rows else None
        if resource is None and row not in rows and account is not None and find not in (None, create):
            resource = find()
        if resource is None:
            rows[row] = None
            self._die(kill_at, KillPoint.BEFORE_CREATE)
            resource = self._created(row, create)
            self._die(kill_at, KillPoint.BEFORE_STORE)
            if kill_at is KillPoint.ANSWER_LOST:
                self.killed = True
                raise OutcomeUnknown("answer_lost", "The provider's answer was lost.")
        check_id(resource.id)
        rows[row] = resource
        self._die(kill_at, KillPoint.AFTER_STORE)
        return self._with_secret(row, resource, renew)

    def forget(self, step: str, *, account: str | None = None, personal: bool = False) -> None:
        self.ledger.rows.pop((self._scope(account), step), None)

    def choose(self, step: str, make: Callable[[], Secret]) -> Secret:
        choice = (f"request {self.request}", step)
        if choice not in self.ledger.choices:
            self.ledger.choices[choice] = make()
        return self.ledger.choices[choice]

    def _scope(self, account: str | None) -> str:
        return f"request {self.request}" if account is None else f"{account} of {self.customer_id}"

    def _with_secret(
        self, row: tuple[str, str], resource: Resource, renew: Callable[[str], Secret] | None
    ) -> Resource:
        if resource.secret is None and renew is not None:
            self.ledger.rows[row] = resource = Resource(resource.id, renew(resource.id))
        return resource

    def _recovered(self, step: str, find: Callable[[], Resource | None] | None) -> Resource | None:
        if find is None:
            raise Misconfigured("step_lost", f"A person has to look: step {step} was lost and has no find.")
        return find()

    def _created(self, row: tuple[str, str], create: Callable[[], Resource]) -> Resource:
        try:
            return create()
        except OutcomeUnknown:
            raise
        except ProvisioningError:
            # The plugin says that nothing happened, so the next attempt need not look for it.
            del self.ledger.rows[row]
            raise

    def _die(self, planned: KillPoint | None, here: KillPoint) -> None:
        if planned is here:
            self.killed = True
            raise Crash(here.value)
