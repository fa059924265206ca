"""The load: clients that create, reveal, rotate, revoke, provision and cancel."""

import random
import threading
import time
from uuid import uuid4

from tests.faults.caller import Caller, Stopped, Unanswered
from tests.faults.memory import Customer, Memory, PromisedKey
from tests.faults.stack import Stack
from tests.real.portal import Portal

LOCAL = {"jwt": 1}
"""How much of the load is for plugins without a provider."""
MOST_KEYS = 4
"""Active keys of a customer at a plugin; more are revoked again."""


class Clients:
    """Some threads over the customers of ``memory``, from ``start`` to ``stop``."""

    def __init__(self, stack: Stack, memory: Memory, *, threads: int, seed: int) -> None:
        self._portal = stack.portal
        self._weights = {**LOCAL, **stack.providers.weights}
        self._memory = memory
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed + number),), daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, dice: random.Random) -> None:
        caller = Caller(self._portal, self._stopping)
        while not self._stopping.is_set():
            customer = dice.choice(self._memory.customers)
            if not customer.busy.acquire(blocking=False):
                continue
            try:
                plugin = dice.choices(list(self._weights), list(self._weights.values()))[0]
                acted = Client(caller, customer, dice).act(plugin)
            except Stopped:
                return
            except (Unanswered, AssertionError) as exc:
                self._memory.broken_promises.append(f"{type(exc).__name__} {exc}")
                acted = False
            finally:
                customer.busy.release()
            if not acted:
                time.sleep(0.05)


class Client:
    """One customer's next step."""

    def __init__(self, caller: Caller, customer: Customer, dice: random.Random) -> None:
        self._caller = caller
        self._customer = customer
        self._dice = dice

    def act(self, plugin: str) -> bool:
        """Do something at that plugin; False when it has to finish something first."""
        if not self._customer.may_act_at(plugin):
            self._look()
        if not self._customer.may_act_at(plugin):
            return self._dice.random() < 0.05 and self._cancel(plugin)
        active = self._customer.active(plugin)
        if not active or (len(active) < MOST_KEYS and self._dice.random() < 0.4):
            self._create(plugin)
            if self._dice.random() < 0.15:
                self._cancel(plugin)
            return True
        key = self._dice.choice(active)
        if key.secret is None:
            self._reveal(key)
        self._dice.choices([self._rotate, self._revoke, self._provision], [3, 3, 1])[0](key)
        return True

    def _create(self, plugin: str) -> None:
        body = {
            "customer": self._customer.id, "user": self._customer.user,
            "name": uuid4().hex[:12], "plugin": plugin,
        }  # fmt: skip
        self._issued(plugin, "/keys", body)

    def _rotate(self, key: PromisedKey) -> None:
        key.end_asked = True
        overlap = self._dice.choice(["0s", "1s", "3s"])
        self._issued(key.plugin, f"/keys/{key.id}/rotate", {"overlap": overlap})

    def _issued(self, plugin: str, path: str, body: dict[str, str]) -> None:
        answer = self._caller.post(path, body, wait_seconds=self._dice.choice([0, 0, 2]))
        if answer.status == 409:
            return  # it ended meanwhile, or is being replaced already
        assert answer.status in (201, 202), (path, answer.status, answer.body)
        shown = answer.json()
        key = self._customer.promised(shown["id"], plugin)
        key.status, key.operation = shown["status"], shown.get("operation", "")
        key.secret = shown.get("secret")
        assert answer.status == 202 or key.secret, f"201 without a secret for {key.id}"

    def _reveal(self, key: PromisedKey) -> None:
        answer = self._caller.post(f"/keys/{key.id}/reveal", None)
        # Gone: an earlier reveal's answer was lost on the way, which only costs the client a rotation.
        assert answer.status in (200, 409, 410), (key.id, answer.status, answer.body)
        if answer.status == 200:
            key.secret = answer.json()["secret"]

    def _revoke(self, key: PromisedKey) -> None:
        key.end_asked = True
        answer = self._caller.post(f"/keys/{key.id}/revoke", {"reason": "the campaign"})
        assert answer.status in (200, 202), (key.id, answer.status, answer.body)
        key.end_promised, key.status = True, answer.json()["status"]

    def _provision(self, key: PromisedKey) -> None:
        body = {"user": self._customer.user, "plugin": key.plugin}
        answer = self._caller.post(f"/customers/{self._customer.id}/provision", body)
        assert answer.status == 202, (answer.status, answer.body)
        self._customer.provisionings.append(answer.json()["id"])

    def _cancel(self, plugin: str) -> bool:
        """Call off the creation that is under way."""
        waiting = [
            key
            for key in self._customer.keys.values()
            if key.plugin == plugin and key.status == "requested" and key.operation
        ]
        for key in waiting[:1]:
            key.end_asked = True
            answer = self._caller.post(f"/operations/{key.operation}/cancel", {})
            assert answer.status in (200, 202, 409), (key.operation, answer.status, answer.body)
        return bool(waiting)

    def _look(self) -> None:
        """See how the customer's keys are doing."""
        found = self._caller.get(f"/keys?customer={self._customer.id}&limit=200")["results"]
        for shown in found:
            self._customer.promised(shown["id"], shown["plugin"]).status = shown["status"]
        shown_ids = {shown["id"] for shown in found}
        for key in self._customer.keys.values():
            if key.id not in shown_ids and len(found) < 200:
                raise AssertionError(f"{key.id} was promised and is not listed")


def make_customers(portal: Portal, memory: Memory, count: int) -> None:
    """Each with one user."""
    for _ in range(count):
        owner = portal.add_owner()
        memory.customers.append(Customer(owner.customer, owner.user))
