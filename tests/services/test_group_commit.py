"""Who waits at the same time shares one transaction; who comes alone waits for nobody."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from portal.services.group_commit import GroupCommit
from tests.real.waiting import eventually


class Groups:
    """Notes each group and doubles its numbers; the first group waits for ``go_on``, a 13 or a -1 breaks its group."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.go_on = threading.Event()

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.seen.append(list(asked))
        if len(self.seen) == 1:
            assert self.go_on.wait(30)
        if -1 in asked:
            raise SystemExit
        if 13 in asked:
            raise ValueError("unlucky")
        return [number * 2 for number in asked]


def run(groups: Groups, most: int, asked: Sequence[int]) -> list[Future[int]]:
    """Ask for the first alone; for the others while it is at work."""
    commit = GroupCommit[int, int](groups, most=most)
    with ThreadPoolExecutor(len(asked)) as threads:
        first = threads.submit(commit, asked[0])
        eventually(lambda: groups.seen, "the first is at work")
        others = [threads.submit(commit, number) for number in asked[1:]]
        eventually(lambda: len(commit._queue) == len(others), "the others wait")
        groups.go_on.set()
        return [first, *others]


def test_those_who_wait_are_one_group_each_with_its_own_answer() -> None:
    groups = Groups()
    done = run(groups, 64, range(1, 9))
    assert [future.result() for future in done] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [sorted(group) for group in groups.seen] == [[1], [2, 3, 4, 5, 6, 7, 8]]


def test_a_group_has_a_most() -> None:
    groups = Groups()
    done = run(groups, 3, range(1, 9))
    assert [future.result() for future in done] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [len(group) for group in groups.seen] == [1, 3, 3, 1]


def test_what_breaks_a_group_is_raised_to_all_of_it_and_nobody_else() -> None:
    groups = Groups()
    first, *others = run(groups, 64, [1, 13, 5])
    assert first.result() == 2
    for future in others:
        with pytest.raises(ValueError, match="unlucky"):
            future.result()


def test_a_thread_that_is_ended_leaves_nobody_waiting() -> None:
    groups = Groups()
    first, *others = run(groups, 64, [1, -1, 5])
    assert first.result() == 2
    for future in others:
        with pytest.raises(SystemExit):
            future.result()


def test_after_an_error_the_next_is_served() -> None:
    groups = Groups()
    groups.go_on.set()
    commit = GroupCommit[int, int](groups, most=64)
    with pytest.raises(ValueError, match="unlucky"):
        commit(13)
    assert commit(4) == 8
