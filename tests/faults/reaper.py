"""Who kills and freezes: orders at fail points, and shots at random moments."""

import random
import threading
import time

from tests.faults.orders import Hit
from tests.faults.stack import Stack
from tests.real.processes import Process

AT_ONCE, ORDER_EVERY_SECONDS = 5, 0.25
"""Orders that stand at a time at points where somebody was killed before, and when there is another."""
MOST_CRASHED = 0.3
"""Of the attempts at operations; each kill crashes all that the process had in hand."""
RANDOM_WORKER_EVERY_SECONDS = 3.0
WEB_REST_SECONDS = 4.0
"""Granian gives up when two of its processes die within 3.5 s."""
FREEZE_POINTS = ("intent.stored", "resource.created", "operation.claimed")
SLEEPERS = 2
"""Workers that are frozen at a time; the others take over."""
LEASE_SECONDS = 15


class Reaper:
    """Kills from ``start`` until ``stop``; ``kills`` counts its own, whatever way they died.

    After ``most`` it only waits at points where nobody died yet."""

    def __init__(
        self, stack: Stack, points: list[str], *, most: int, seed: int, freeze: bool = False
    ) -> None:
        self._stack = stack
        self._points = points
        self._dice = random.Random(seed)
        self._freeze = freeze
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._frozen: list[tuple[float, Hit]] = []
        self._next_random = self._next_web = time.monotonic() + 1
        self._next_order = 0.0
        self._most = most
        self._killed_before = stack.orders.kills.total()
        self.random_kills = 0
        self.freezes = 0
        self.slept: set[str] = set()
        """Keys whose operation ran in a process that was frozen beyond its lease."""

    @property
    def kills(self) -> int:
        return self.random_kills + self._stack.orders.kills.total() - self._killed_before

    @property
    def unhit(self) -> list[str]:
        """Points at which nobody was killed yet."""
        return [point for point in self._points if not self._stack.orders.kills[point]]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more orders; who is frozen stays so until the restart kills it."""
        self._stopping.set()
        self._thread.join()
        self._stack.orders.withdraw()
        for hit in self._stack.orders.new_hits():
            self._note(hit)

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            for hit in self._stack.orders.new_hits():
                self._note(hit)
            self._order()
            self._shoot()
            self._thaw()

    def _order(self) -> None:
        """Points that nobody died at yet are always waited at; of the others, ``AT_ONCE``."""
        orders, rare = self._stack.orders, set(self.unhit)
        for point in rare - orders.standing("worker"):
            orders.place(point, "worker")
        if time.monotonic() > self._next_web:
            for point in rare - orders.standing("web"):
                orders.place(point, "web")
        common = [point for point in self._points if point not in rare]
        if common and time.monotonic() > self._next_order and self._is_worth_it():
            self._next_order = time.monotonic() + ORDER_EVERY_SECONDS
            if len(orders.standing("worker") - rare) >= AT_ONCE:
                orders.withdraw("worker")  # nobody came by
            orders.place(self._dice.choice(common), "worker")
        asleep = len(self._frozen) + len(orders.standing("worker", "freeze"))
        if self._freeze and asleep < SLEEPERS:
            orders.place(self._dice.choice(FREEZE_POINTS), "worker", "freeze")

    def _is_worth_it(self) -> bool:
        """Enough work gets done between the kills: else the same few operations die again and again."""
        asked = "SELECT sum(crashes), sum(attempts) FROM portal_operation"
        crashes, attempts = self._stack.rows.select(asked)[0]
        return self.kills < self._most and (crashes or 0) < MOST_CRASHED * (attempts or 0)

    def _shoot(self) -> None:
        """Somebody dies wherever it happens to be."""
        if time.monotonic() > self._next_random:
            self._next_random = time.monotonic() + self._dice.uniform(0, 2 * RANDOM_WORKER_EVERY_SECONDS)
            self._kill_one(self._stack.worker_processes())
        if time.monotonic() > self._next_web + WEB_REST_SECONDS:
            self._let_web_rest()
            self._kill_one(self._stack.web_processes())
        self._stack.keep_web()

    def _kill_one(self, processes: list[Process]) -> None:
        if processes:
            try:
                self._dice.choice(processes).kill()
            except ProcessLookupError:
                return
            self.random_kills += 1

    def _let_web_rest(self) -> None:
        self._stack.orders.withdraw("web")
        self._next_web = time.monotonic() + WEB_REST_SECONDS

    def _note(self, hit: Hit) -> None:
        if hit.role == "web":
            self._let_web_rest()
        if hit.action != "freeze":
            return
        self.freezes += 1
        self._stack.freeze(hit)
        until = time.monotonic() + LEASE_SECONDS + self._dice.uniform(1, 30)
        self._frozen.append((until, hit))
        statement = "SELECT k.public_id FROM portal_operation o JOIN portal_issuedkey k ON k.id = o.key_id "
        statement += f"WHERE o.state = 'running' AND o.owner LIKE '% {hit.pid} %'"
        self.slept |= {row[0] for row in self._stack.rows.select(statement)}

    def _thaw(self) -> None:
        for sleeper in list(self._frozen):
            until, hit = sleeper
            if time.monotonic() > until:
                self._stack.wake(hit)
                self._frozen.remove(sleeper)
