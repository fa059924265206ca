"""Engines broken on purpose show a figure in the campaign's scenarios; the whole engine shows none."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.checker import Finding, Findings
from tests.faults.directed import (
    SCENARIOS,
    AnswerLostAfterTheApplicationWasMade,
    FrozenBeyondItsLease,
    KilledBeforeTheIdWasStored,
    KilledWhileTheRequestWasUnderWay,
    run_scenarios,
)
from tests.faults.stack import Stack
from tests.real.required import require_proc

pytestmark = [pytest.mark.once, pytest.mark.timeout(400)]
BROKEN = {
    "no_intent": KilledBeforeTheIdWasStored,
    "no_settle": KilledWhileTheRequestWasUnderWay,
    "no_fencing": FrozenBeyondItsLease,
    "sdk_retries": AnswerLostAfterTheApplicationWasMade,
    "blind_lookup": AnswerLostAfterTheApplicationWasMade,
}
"""What the engine or the plugin for Auth0 does wrong, and the scenario in which that does harm."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[set[Finding]]]]:
    """All engines at once: most of the time each waits. The whole one has the empty name."""
    require_proc()
    folder = tmp_path_factory.mktemp("engines")
    template = _stack(folder / "template", "")
    try:
        template.prepare()
    finally:
        template.close()
    kinds: dict[str, tuple[type, ...]] = {"": SCENARIOS, **{how: (kind,) for how, kind in BROKEN.items()}}
    with ThreadPoolExecutor(len(kinds)) as pool:
        yield {how: pool.submit(_run, folder, template, how, kinds[how]) for how in kinds}


def _stack(folder: Path, broken: str) -> Stack:
    folder.mkdir()
    return Stack(folder, f"sqlite:///{folder / 'portal.sqlite3'}", workers=3, threads=1, broken=broken)


def _run(folder: Path, template: Stack, how: str, kinds: tuple[type, ...]) -> set[Finding]:
    stack = _stack(folder / (how or "whole"), how)
    try:
        stack.prepare_like(template)
        stack.start()
        return run_scenarios(stack, *kinds)
    finally:
        stack.close()


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_engine_is_found_out(runs: dict[str, Future[set[Finding]]], how: str) -> None:
    assert runs[how].result(), f"the campaign would not notice an engine with {how}"


def test_the_whole_engine_shrugs(runs: dict[str, Future[set[Finding]]]) -> None:
    if found := runs[""].result():
        raise Findings(found)
