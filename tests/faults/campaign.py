"""One campaign: rounds of a fault each, every one ending with a restart and a comparison."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.auth0.process import ALL
from tests.faults.checker import FIGURES, Checker, Finding
from tests.faults.clients import Clients, make_customers
from tests.faults.memory import Memory
from tests.faults.points import fail_points
from tests.faults.provoked import OFF_THE_ROAD, provoke
from tests.faults.reaper import Reaper
from tests.faults.settling import Settling
from tests.faults.stack import Stack
from tests.faults.table import Fault
from tests.faults.weather import PROVIDER
from tests.real.waiting import eventually

FREEZES = 8
"""At least so many in a round of freezes."""


@dataclass
class Round:
    """What one fault did."""

    fault: Fault
    kills: int = 0
    freezes: int = 0
    operations: int = 0
    helped: int = 0
    """Operations that a person looked at after the restart."""
    left_for_reconcile: int = 0
    slowest_seconds: float = 0
    slept: set[str] = field(default_factory=set)
    """Keys whose operation ran in a process that was frozen beyond its lease."""
    findings: set[Finding] = field(default_factory=set)

    def figure(self, name: str) -> int:
        return sum(finding.figure == name for finding in self.findings)

    @property
    def figures(self) -> dict[str, int]:
        return {name: self.figure(name) for name in FIGURES}


class Campaign:
    """On a stack that is prepared and started; ``seed`` decides what the dice decide."""

    def __init__(self, stack: Stack, *, seed: int, customers: int = 60, clients: int = 8) -> None:
        self._stack = stack
        self._dice = random.Random(seed)
        self._clients = clients
        self._known: set[Finding] = set()
        self._early: set[Finding] = set()
        self.memory = Memory()
        self.points = fail_points()
        stack.providers.add_strangers()
        make_customers(stack.portal, self.memory, customers)

    @property
    def unhit(self) -> list[str]:
        """Fail points at which nobody was killed."""
        return sorted(set(self.points) - set(self._stack.orders.kills))

    @property
    def kills_by_point(self) -> dict[str, int]:
        return dict(self._stack.orders.kills)

    def run(self, fault: Fault, kills: int, *, seconds: float = 1800) -> Round:
        """A whole round: load under that fault, then restart, settle and compare."""
        found = self.load(fault, kills, seconds=seconds)
        self.finish(found)
        return found

    def load(self, fault: Fault, kills: int, *, every_point: bool = False, seconds: float = 1800) -> Round:
        """Kill that often under load and under ``fault``; ``every_point``: and at each that load passes."""
        stack, seed = self._stack, self._dice.randrange(2**32)
        self._permit(fault.scopes)
        reaper = Reaper(stack, list(self.points), most=kills, seed=seed, freeze=fault.freeze)
        deadline = time.monotonic() + min(seconds, fault.most_seconds)
        stack.providers.set_faults(seed=seed, **PROVIDER[fault.provider])
        clients = Clients(stack, self.memory, threads=self._clients, seed=seed)
        with fault.disturbance(stack):
            clients.start()
            self._keep_calm(fault)
            reaper.start()
            while time.monotonic() < deadline:
                passed = not every_point or set(self.unhit) <= OFF_THE_ROAD.keys()
                slept = not fault.freeze or reaper.freezes >= FREEZES
                if reaper.kills >= kills and passed and slept:
                    break
                time.sleep(0.1)
            clients.stop()
            reaper.stop()
        return Round(fault, reaper.kills, reaper.freezes, slept=reaper.slept)

    def provoke(self) -> int:
        """Kill at the points that no load passes: the schedule's and the commands'. Returns how many."""
        before = self.unhit
        provoke(self._stack, before)
        return len(before) - len(self.unhit)

    def finish(self, found: Round) -> None:
        """Faults off, everything killed and started once more; settle and compare."""
        stack = self._stack
        stack.providers.set_faults()
        restarted_at = datetime.now(UTC)
        stack.kill_all()
        found.fault.afterwards(stack)
        stack.start()
        settled = Settling(stack, self.memory).settle(restarted_at)
        eventually(stack.providers.are_idle, "nothing is under way at a provider", seconds=60)
        found.slowest_seconds, found.helped = settled.slowest_seconds, settled.helped
        found.operations = stack.rows.select("SELECT count(*) FROM portal_operation")[0][0]
        self._permit(ALL)  # reconcile has to look
        findings = self._compare() | settled.findings | self._early
        if leftovers := {finding for finding in findings if self._slept(finding, found.slept)}:
            found.left_for_reconcile = len(leftovers)
            stack.portal.manage("reconcile", "--repair")
            findings = (findings - leftovers) | self._compare()
        told = stack.portal.manage("reconcile", check=False)
        if told.returncode:
            findings.add(Finding("orphaned", "reconcile", f"finds what is not in order: {told.stdout}"))
        found.findings = findings - self._known
        self._known |= findings
        stack.orders.step_clock(0)

    def _compare(self) -> set[Finding]:
        return Checker(self._stack, self.memory).findings()

    def _keep_calm(self, fault: Fault) -> None:
        before = self._stack.providers.early()
        time.sleep(fault.calm_seconds)  # for so long the load is watched, no waiting for anything
        if fault.calm_seconds and (early := self._stack.providers.early() - before):
            self._early.add(Finding("early", fault.name, f"{early} calls before Retry-After was over"))

    def _permit(self, scopes: tuple[str, ...]) -> None:
        """Restart with what the portal may do now: processes keep tokens for what they might."""
        if self._stack.providers.scopes != scopes:
            self._stack.kill_all()
            self._stack.providers.permit(scopes)
            self._stack.start()

    @staticmethod
    def _slept(finding: Finding, slept: set[str]) -> bool:
        """Whether a worker that was frozen with its request on the way left this to reconcile."""
        return finding.figure != "lost" and finding.id in slept
