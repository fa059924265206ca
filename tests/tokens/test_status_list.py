"""Positions in the token status lists."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokens.status_list import LIST_SIZE, Position, position

SECRET = b"a secret for these tests, 32 b.."


def indices(list_id: int, count: int, secret: bytes = SECRET) -> list[int]:
    return [position(list_id * LIST_SIZE + offset, secret).index for offset in range(count)]


def test_every_index_of_a_list_is_given_exactly_once() -> None:
    seen = bytearray(LIST_SIZE)
    for sequence in range(3 * LIST_SIZE, 4 * LIST_SIZE):
        found = position(sequence, SECRET)
        assert found.list_id == 3
        seen[found.index] += 1

    assert seen == b"\1" * LIST_SIZE


def test_lists_fill_one_after_the_other() -> None:
    assert [position(n, SECRET).list_id for n in (0, LIST_SIZE - 1, LIST_SIZE, 5 * LIST_SIZE + 7)] == [
        0,
        0,
        1,
        5,
    ]


def test_position_is_the_same_in_every_release() -> None:
    """Tokens out there carry these numbers: a change of the permutation would revoke the wrong keys."""
    assert [position(n, SECRET) for n in (0, 1, 2, LIST_SIZE)] == [
        Position(0, 422884), Position(0, 942146), Position(0, 617568), Position(1, 823131)
    ]  # fmt: skip


def test_other_secrets_and_other_lists_are_permuted_otherwise() -> None:
    plain = indices(0, 64)

    assert plain != indices(1, 64)
    assert plain != indices(0, 64, SECRET[::-1])
    assert plain == indices(0, 64)


def test_neighbours_land_far_apart() -> None:
    """No counting of customers: indices of consecutive keys spread over the list and its bits."""
    found = indices(0, 4096)
    steps = [abs(a - b) for a, b in pairwise(found)]

    # Two random indices are a third of the list apart on average.
    assert 0.30 < sum(steps) / len(steps) / LIST_SIZE < 0.37
    assert all(0.45 < sum(index >> bit & 1 for index in found) / len(found) < 0.55 for bit in range(20))


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=2**60))
def test_any_sequence_has_a_position_in_its_list(sequence: int) -> None:
    found = position(sequence, SECRET)

    assert found.list_id == sequence // LIST_SIZE
    assert 0 <= found.index < LIST_SIZE


@pytest.mark.parametrize(("sequence", "secret"), [(-1, SECRET), (0, b""), (0, b"short")])
def test_negative_numbers_and_short_secrets_are_refused(sequence: int, secret: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        position(sequence, secret)
