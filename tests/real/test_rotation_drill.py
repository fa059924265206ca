"""A short form of ``make rotation-drill``."""

import random
from pathlib import Path

import pytest

from tests.faults.checker import Findings
from tests.rotation.drill import prepared

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]


def test_rotations_under_load_refuse_no_good_key_and_let_in_no_bad_one(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    with prepared(tmp_path, lead_seconds=4, seed=seed) as drill:
        figures = drill.run(seconds=30, rotate_every_seconds=5, each_per_second=10)
    if figures.refused or figures.accepted:
        raise Findings(f"seed {seed}: refused {figures.refused}, let in {figures.accepted}")
    assert not figures.errors, f"seed {seed}: {figures.errors}"
    assert figures.rotations >= 2
    assert len(figures.signing_keys) >= 3
