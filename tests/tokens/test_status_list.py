"""Token status lists: where keys have their bits, and how a list is written and read."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokens.base64url import encode
from tokens.status_list import LIST_SIZE, Position, Statuses, position

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


@pytest.mark.parametrize(
    ("bits", "octets", "packed", "statuses"),
    [
        (1, "b9a3", "eNrbuRgAAhcBXQ", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]),
        (2, "c944f9", "eNo76fITAAPfAgc", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]),
    ],
)
def test_the_drafts_examples(bits: int, octets: str, packed: str, statuses: list[int]) -> None:
    """Sections 4.1 and 4.2 of the draft."""
    found = Statuses(bits, bytes.fromhex(octets))
    assert found.claim() == {"bits": bits, "lst": packed}
    read = Statuses.from_claim({"bits": bits, "lst": packed, "more": "is ignored"})
    assert read == found
    assert [read[index] for index in range(len(statuses))] == statuses


@pytest.mark.parametrize("index", [16, 10**30, -1])
def test_an_index_beyond_the_list_has_no_status(index: int) -> None:
    with pytest.raises(IndexError):
        Statuses(1, b"\xb9\xa3")[index]


def test_a_list_has_ones_where_its_invalid_keys_are() -> None:
    keys = [2 * LIST_SIZE, 2 * LIST_SIZE + 1, 3 * LIST_SIZE - 1]
    statuses = Statuses.of_keys(2, keys, SECRET)
    assert len(statuses.octets) * 8 == LIST_SIZE
    assert {index for index in range(LIST_SIZE) if statuses[index]} == {
        position(key, SECRET).index for key in keys
    }
    assert Statuses.from_claim(statuses.claim()) == statuses


@pytest.mark.parametrize("sequence", [LIST_SIZE - 1, 2 * LIST_SIZE])
def test_a_key_of_another_list_is_refused(sequence: int) -> None:
    with pytest.raises(ValueError, match="another list"):
        Statuses.of_keys(1, [sequence], SECRET)


def test_a_whole_list_stays_small_and_tells_nothing_by_its_length() -> None:
    none, some = (Statuses.of_keys(0, range(count), SECRET).claim()["lst"] for count in (0, 1000))
    assert len(str(none)) < 300
    assert len(str(some)) < 4000
    assert len(Statuses.of_keys(0, [], SECRET).octets) == LIST_SIZE // 8


def packed(octets: bytes) -> str:
    return encode(zlib.compress(octets))


@pytest.mark.parametrize(
    "claim",
    [
        None, [], "eNrbuRgAAhcBXQ", {}, {"bits": 1}, {"lst": "eNrbuRgAAhcBXQ"},
        {"bits": 3, "lst": "eNrbuRgAAhcBXQ"}, {"bits": True, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": "1", "lst": "eNrbuRgAAhcBXQ"}, {"bits": [1], "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": 7}, {"bits": 1, "lst": ""}, {"bits": 1, "lst": "é"}, {"bits": 1, "lst": "A"},
        {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}, {"bits": 1, "lst": "eNrbuRgAAhcB"},
        {"bits": 1, "lst": encode(zlib.compress(b"\0") + b"more")},
        {"bits": 1, "lst": encode(b"not zlib at all")},
    ],
)  # fmt: skip
def test_a_malformed_list_is_refused(claim: object) -> None:
    with pytest.raises(ValueError, match="status_list|lst"):
        Statuses.from_claim(claim)


def test_a_list_that_unpacks_without_end_is_refused() -> None:
    assert len(Statuses.from_claim({"bits": 8, "lst": packed(bytes(1 << 20))}).octets) == 1 << 20
    with pytest.raises(ValueError, match="lst"):
        Statuses.from_claim({"bits": 8, "lst": packed(bytes((1 << 20) + 1))})
