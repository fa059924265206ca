"""A hundred kills under load, at every fail point, with every fault of the providers: nothing is lost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, Round
from tests.faults.checker import Findings
from tests.faults.stack import Stack
from tests.faults.table import EVERYTHING, TEN_PERMISSIONS
from tests.real.database import fresh_database
from tests.real.required import require_proc

KILLS, FEW_KILLS = 100, 30
MOST_ROUNDS = 4
SETTLED_WITHIN_SECONDS = 60


@contextmanager
def started(folder: Path) -> Iterator[Stack]:
    require_proc()
    with fresh_database(folder) as url:
        stack = Stack(folder, url)
        try:
            stack.prepare()
            stack.start()
            yield stack
        finally:
            stack.close()


def check(found: Round, seed: int) -> None:
    if found.findings:
        raise Findings(f"seed {seed}: {sorted(found.findings, key=str)}")
    assert found.slowest_seconds <= SETTLED_WITHIN_SECONDS, f"seed {seed}"


@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    with started(tmp_path) as stack:
        under_way = Campaign(stack, seed=seed, customers=50)
        found = under_way.load(EVERYTHING, KILLS, every_point=True, seconds=400)
        assert found.kills >= KILLS, f"seed {seed}: the portal is too slow here to be killed so often"
        under_way.provoke()
        under_way.finish(found)
    assert not under_way.unhit, f"seed {seed}: nobody was killed at {under_way.unhit}"
    check(found, seed)


@pytest.mark.once
@pytest.mark.timeout(600)
def test_with_the_ten_permissions_a_person_finds_every_stray_by_its_name(tmp_path: Path) -> None:
    """Whether a round leaves something to a person is chance: rounds go on until one has."""
    seed = random.randrange(2**32)
    with started(tmp_path) as stack:
        under_way = Campaign(stack, seed=seed, customers=12)
        for _ in range(MOST_ROUNDS):
            check(under_way.run(TEN_PERMISSIONS, FEW_KILLS, seconds=90), seed)
            if a_person_deleted(stack):
                return
    pytest.fail(f"seed {seed}: in {MOST_ROUNDS} rounds nothing stopped for a person, and the portal may not")


def a_person_deleted(stack: Stack) -> bool:
    """The portal itself may not delete with the ten permissions."""
    return any(kind == "clients" for kind, _ in stack.providers.auth0.truth().deleted)
