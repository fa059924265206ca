"""Status lists that are kept: revoked within the list's ttl, and no good key refused in an outage."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.tokens.keys import NOW_SECONDS
from tests.tokens.portal import JWKS, LISTS, TTL_SECONDS, Portal, status
from tokens.jws import InvalidToken
from tokens.kept import Unavailable
from tokens.remote_statuses import RemoteStatuses, StatusBit
from tokens.status_list import LIST_SIZE, Statuses

LIST = f"{LISTS}/0"


def bit(statuses: RemoteStatuses, index: int = 7) -> StatusBit:
    found = statuses.bit_of({"status": status(index)})
    assert found is not None
    return found


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(InvalidToken) as refused:
        act()
    return refused.value.code


def test_a_key_without_status_has_none() -> None:
    portal = Portal()
    assert portal.statuses().bit_of({}) is None
    assert portal.asked == []


def test_a_revoked_key_is_refused_within_the_ttl() -> None:
    portal = Portal()
    mine, other = (bit(portal.statuses(), index) for index in (7, 8))
    mine.require_valid()
    portal.revoked.add(7)
    portal.seconds = TTL_SECONDS - 3.0  # what is left is for publishing
    assert refusal(mine.require_valid) == "revoked"
    other.require_valid()


def test_a_list_is_fetched_once_in_half_its_ttl() -> None:
    portal = Portal()
    mine = bit(portal.statuses())
    for portal.seconds in (0, 10, 29):
        mine.require_valid()
    assert portal.asked_for(LIST) == 1
    portal.seconds = 30
    mine.require_valid()
    assert portal.asked_for(LIST) == 2


def test_while_the_portal_is_away_the_list_counts_until_its_exp() -> None:
    portal = Portal()
    portal.revoked.add(8)
    statuses = portal.statuses()
    mine, revoked = bit(statuses), bit(statuses, 8)
    mine.require_valid()
    portal.away = True
    for portal.seconds in (60, 3600, 7199):
        mine.require_valid()
        assert refusal(revoked.require_valid) == "revoked"
    portal.seconds = 7200
    with pytest.raises(Unavailable):
        mine.require_valid()


def test_a_list_that_was_never_seen_gives_no_verdict() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.away = True
    with pytest.raises(Unavailable):
        bit(portal.statuses(keys)).require_valid()


def test_an_index_beyond_the_list_is_refused() -> None:
    statuses = Portal(bits=64).statuses()
    for index in (64, 2**40, -1):
        assert refusal(bit(statuses, index).require_valid) == "bad_claim"


@pytest.mark.parametrize(
    "claim",
    [
        None, 1, "x", [], {}, {"status_list": None}, {"status_list": {"idx": 1}}, {"status_list": {"uri": LIST}},
        status(True), {"status_list": {"idx": "7", "uri": LIST}}, {"status_list": {"idx": 7.0, "uri": LIST}},
        status(uri="https://elsewhere.example/.well-known/status-lists/0"), status(uri=LISTS), status(uri=f"{LISTS}/"),
        status(uri=f"{LISTS}/../jwks.json"), status(uri=f"{LISTS}/0?x=1"), status(uri=f"{LISTS}/²"), status(uri=f"{LISTS}/0/1"),
        status(uri="https://portal.example.evil.example/.well-known/status-lists/0"), status(uri="file:///etc/passwd"),
    ],
)  # fmt: skip
def test_a_status_that_names_no_place_of_ours_is_refused_without_a_fetch(claim: Any) -> None:
    portal = Portal()
    if claim is None:
        assert portal.statuses().bit_of({"status": None}) is None  # JSON null: as good as absent
    else:
        assert refusal(lambda: portal.statuses().bit_of({"status": claim})) == "bad_claim"
    assert portal.asked == []


BAD_LISTS: dict[str, Callable[[Portal], bytes]] = {
    "a key's type": lambda portal: portal.list_token(LIST, typ="JWT"),
    "no type": lambda portal: portal.list_token(LIST, typ=""),
    "another list's": lambda portal: portal.list_token(LIST, sub=f"{LISTS}/1"),
    "expired": lambda portal: portal.list_token(LIST, exp=NOW_SECONDS - 1),
    "without exp": lambda portal: portal.list_token(LIST, exp=None),
    "exp as text": lambda portal: portal.list_token(LIST, exp="9999999999"),
    "without ttl": lambda portal: portal.list_token(LIST, ttl=None),
    "exp beyond all numbers": lambda portal: portal.list_token(LIST, exp=10**400),
    "ttl beyond all numbers": lambda portal: portal.list_token(LIST, ttl=10**400),
    "ttl of 0": lambda portal: portal.list_token(LIST, ttl=0),
    "a stranger's": lambda portal: portal.list_token(LIST, signed_by="RS256"),
    "no list": lambda portal: portal.list_token(LIST, status_list={"bits": 1}),
    "not packed": lambda portal: portal.list_token(LIST, status_list={"bits": 1, "lst": "AAAA"}),
    "no token": lambda portal: b"<html>",
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_list_that_is_not_good_is_not_believed(what: str) -> None:
    portal = Portal("ES256")
    mine = bit(portal.statuses())
    mine.require_valid()
    good, portal.seconds = portal.list_token(LIST), 30.0
    portal.instead[LIST] = BAD_LISTS[what](portal)
    mine.require_valid()  # by the one from before
    fresh = bit(portal.statuses())
    with pytest.raises(Unavailable):
        fresh.require_valid()
    portal.instead[LIST], portal.seconds = good, 45.0
    fresh.require_valid()


def test_a_full_list_with_a_tenth_revoked_is_read() -> None:
    portal = Portal(bits=LIST_SIZE)
    portal.revoked = set(random.Random(1).sample(range(LIST_SIZE), LIST_SIZE // 10)) - {7} | {8}
    assert len(portal.list_token(LIST)) > 100_000
    statuses = portal.statuses()
    bit(statuses).require_valid()
    assert refusal(bit(statuses, 8).require_valid) == "revoked"


def test_lists_are_verified_by_the_published_keys() -> None:
    portal = Portal()
    bit(portal.statuses()).require_valid()
    assert portal.asked_for(JWKS) == 1


def test_a_list_that_nobody_signs_anew_counts_until_its_exp_and_no_longer() -> None:
    """A signer that died, or a cache between, that answers 304 for ever."""
    portal = Portal()
    portal.instead[LIST] = portal.list_token(LIST)
    mine = bit(portal.statuses())
    for portal.seconds in range(0, 7200, 60):
        mine.require_valid()
    assert portal.asked_for(LIST) > 100
    for portal.seconds in (7200, 7300, 3 * 86_400):
        with pytest.raises(Unavailable):
            mine.require_valid()


def test_a_long_ttl_makes_no_list_live_longer() -> None:
    portal = Portal()
    portal.instead[LIST] = portal.list_token(LIST, ttl=30 * 86_400, exp=NOW_SECONDS + 60)
    mine = bit(portal.statuses())
    mine.require_valid()
    portal.seconds = 60
    with pytest.raises(Unavailable):
        mine.require_valid()


def test_a_tiny_ttl_is_no_flood() -> None:
    portal = Portal()
    portal.instead[LIST] = portal.list_token(LIST, ttl=1e-300)
    mine = bit(portal.statuses())
    for portal.seconds in (0, 0.2, 0.4, 0.9):
        mine.require_valid()
    assert portal.asked_for(LIST) == 1


def test_suspended_is_refused_as_revoked_is() -> None:
    portal = Portal()
    octets = Statuses(2, bytes([0b10000001]))  # section 7.1 of the draft: 1 at index 0, 2 at index 3
    portal.instead[LIST] = portal.list_token(LIST, status_list=octets.claim())
    statuses = portal.statuses()
    assert refusal(bit(statuses, 0).require_valid) == "revoked"
    assert refusal(bit(statuses, 3).require_valid) == "revoked"
    bit(statuses, 1).require_valid()


def test_no_more_lists_are_kept_than_there_can_be() -> None:
    statuses = Portal().statuses()
    for number in range(1024):
        assert statuses.bit_of({"status": status(uri=f"{LISTS}/{number}")}) is not None
    assert refusal(lambda: statuses.bit_of({"status": status(uri=f"{LISTS}/1024")})) == "bad_claim"
    assert statuses.bit_of({"status": status(uri=f"{LISTS}/7")}) is not None


def test_a_list_whose_key_can_t_be_had_is_not_renewed_and_no_error() -> None:
    portal = Portal()
    keys = portal.keys(keep_seconds=10)
    mine = bit(portal.statuses(keys))
    mine.require_valid()
    portal.instead[JWKS], portal.seconds = b"<html>", 40
    mine.require_valid()  # by the list from before
