"""A hundred kills under load, at every fail point, with every fault of the providers: nothing is lost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, Round
from tests.faults.stack import Stack
from tests.faults.table import EVERYTHING, TEN_PERMISSIONS
from tests.real.database import fresh_database
from tests.real.required import require_proc

KILLS, FEW_KILLS = 100, 30
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
    assert not found.findings, f"seed {seed}: {sorted(found.findings, key=str)}"
    assert found.slowest_seconds <= SETTLED_WITHIN_SECONDS, f"seed {seed}"


@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    with started(tmp_path) as stack:
        under_way = Campaign(stack, seed=seed, customers=50)
        found = under_way.load(EVERYTHING, KILLS, every_point=True, seconds=240)
        assert found.kills >= KILLS, f"seed {seed}: the portal is too slow here to be killed so often"
        under_way.provoke()
        under_way.finish(found)
    assert not under_way.unhit, f"seed {seed}: nobody was killed at {under_way.unhit}"
    check(found, seed)


@pytest.mark.once
@pytest.mark.timeout(400)
def test_with_the_ten_permissions_a_person_finds_every_stray_by_its_name(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    with started(tmp_path) as stack:
        found = Campaign(stack, seed=seed, customers=12).run(TEN_PERMISSIONS, FEW_KILLS, seconds=90)
    deleted = {kind for kind, _ in stack.providers.auth0.truth().deleted}
    assert "clients" in deleted, f"seed {seed}: nothing ever stopped for a person, and the portal may not"
    check(found, seed)
