"""Faults aimed at one promise of the engine each. A whole engine shrugs; one without it shows a figure.

A scenario begins, which takes seconds, and ends, once the engine has had its time: several can
be under way at once.
"""

from datetime import UTC, datetime
from typing import Protocol

from tests.faults.checker import Checker, Finding
from tests.faults.memory import Customer, Memory, PromisedKey
from tests.faults.orders import Hit
from tests.faults.settling import Settling
from tests.faults.stack import Stack
from tests.real.waiting import eventually

KEYS = 3
"""Customers, with one key each, whose worker is killed."""
LATE_SECONDS = 5.0


class Scenario(Protocol):
    def begin(self, stack: Stack) -> None:
        """Create keys and do the harm."""

    def end(self, stack: Stack) -> None:
        """What has to wait until others took over."""


class Load:
    """Customers who ask for one key each."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def ask(self, stack: Stack, plugin: str = "remote") -> PromisedKey:
        """One more customer, one more key."""
        return self.ask_for(self.add_customer(stack), stack, plugin)

    def add_customer(self, stack: Stack) -> Customer:
        owner = stack.portal.add_owner()
        customer = Customer(owner.customer, owner.user)
        self._memory.customers.append(customer)
        return customer

    def ask_for(self, customer: Customer, stack: Stack, plugin: str = "remote") -> PromisedKey:
        body = {"customer": customer.id, "user": customer.user, "name": "directed", "plugin": plugin}
        answer = stack.portal.api("POST", "/keys", body, prefer="wait=0")
        assert answer.status == 202, answer.body
        return customer.promised(answer.json()["id"], plugin)


class KilledBeforeTheIdWasStored:
    """The provider created it; the worker dies before it writes that down. Tests the intent."""

    def __init__(self, memory: Memory) -> None:
        self._load = Load(memory)

    def begin(self, stack: Stack) -> None:
        for _ in range(KEYS):
            # What a customer shares is looked up before it is created: the next one is the key itself.
            customer = self._load.add_customer(stack)
            first = self._load.ask_for(customer, stack)
            eventually(lambda: _status(stack, first) == "active", "the first key is there", seconds=60)  # noqa: B023
            stack.orders.place("resource.created", "worker")
            self._load.ask_for(customer, stack)
            eventually(lambda: _was_killed(stack), "a worker was killed", seconds=60)

    def end(self, stack: Stack) -> None:
        return None


class KilledWhileTheRequestWasUnderWay:
    """The provider commits seconds after the worker died. Tests the waiting for it to settle."""

    def __init__(self, memory: Memory) -> None:
        self._load = Load(memory)

    def begin(self, stack: Stack) -> None:
        late = {"late_least_seconds": LATE_SECONDS, "late_most_seconds": LATE_SECONDS}
        stack.providers.remote.set_faults(slow=1, only="/v1/credentials", **late)
        before = stack.providers.remote.counts().get("slow", 0)
        self._load.ask(stack)
        eventually(
            lambda: stack.providers.remote.counts().get("slow", 0) > before,
            "a request is under way",
            seconds=60,
        )
        for process in stack.worker_processes():
            process.kill()
        stack.providers.remote.set_faults()

    def end(self, stack: Stack) -> None:
        return None


class FrozenBeyondItsLease:
    """A worker sleeps, another finishes its work, then it wakes and goes on. Tests the fencing."""

    def __init__(self, memory: Memory) -> None:
        self._load = Load(memory)
        self._hit: Hit | None = None
        self._key = PromisedKey("", "remote")

    def begin(self, stack: Stack) -> None:
        stack.orders.place("resource.created", "worker", "freeze")
        self._key = self._load.ask(stack)
        eventually(lambda: self._is_frozen(stack), "a worker is frozen", seconds=60)

    def end(self, stack: Stack) -> None:
        """Wake it when the key works and its owner has the secret; wait until it is through."""
        key = self._key
        eventually(lambda: _status(stack, key) == "active", "another worker went on", seconds=90)
        revealed = stack.portal.api("POST", f"/keys/{key.id}/reveal")
        assert revealed.status == 200, revealed.body
        key.secret = revealed.json()["secret"]
        assert self._hit is not None
        stack.wake(self._hit)
        eventually(lambda: self._is_through(stack), "the sleeper is through", seconds=60)

    def _is_frozen(self, stack: Stack) -> bool:
        for hit in stack.orders.new_hits():
            if hit.action == "freeze":
                stack.freeze(hit)
                self._hit = hit
        return self._hit is not None

    def _is_through(self, stack: Stack) -> bool:
        """It gave up for want of its lease, or did the harm."""
        told = "operation.lease_lost" in stack.worker_log
        return told or not stack.providers.remote.accepts(self._key.secret or "")


class AnswerLostAfterTheApplicationWasMade:
    """Auth0 makes an application and the answer never comes. Tests that nobody asks again, but looks."""

    def __init__(self, memory: Memory) -> None:
        self._load = Load(memory)

    def begin(self, stack: Stack) -> None:
        tenant = stack.providers.auth0
        tenant.set_faults(drop_after=1, only="/api/v2/clients")
        key = self._load.ask(stack, "auth0-m2m")

        def is_made() -> bool:
            return any(made["tags"]["key"] == key.id for _, _, made in tenant.truth().credentials())

        eventually(is_made, "the application is there", seconds=60)
        tenant.set_faults()

    def end(self, stack: Stack) -> None:
        return None


SCENARIOS = (
    FrozenBeyondItsLease,
    KilledBeforeTheIdWasStored,
    KilledWhileTheRequestWasUnderWay,
    AnswerLostAfterTheApplicationWasMade,
)


def run_scenarios(stack: Stack, *kinds: type) -> set[Finding]:
    """Let them all happen to a stack that is started; returns what was found when all had settled."""
    memory = Memory()
    scenarios: list[Scenario] = [kind(memory) for kind in kinds]
    for scenario in scenarios:
        scenario.begin(stack)
    for scenario in scenarios:
        scenario.end(stack)
    eventually(stack.providers.are_idle, "nothing is under way at a provider", seconds=30)
    settled = Settling(stack, memory).settle(datetime.now(UTC))
    return Checker(stack, memory).findings() | settled.findings


def _was_killed(stack: Stack) -> bool:
    return any(hit.action == "kill" for hit in stack.orders.new_hits())


def _status(stack: Stack, key: PromisedKey) -> str:
    return str(stack.portal.api("GET", f"/keys/{key.id}").json()["status"])
