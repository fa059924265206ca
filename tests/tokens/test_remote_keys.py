"""A JWKS that is kept: outages, floods of unknown kids, rotations."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.tokens.portal import JWKS, Portal, jwk_of
from tokens.fetch import Fetched
from tokens.kept import Unavailable
from tokens.remote_keys import RemoteKeys


def test_keys_are_fetched_once_and_again_when_five_minutes_old() -> None:
    portal = Portal()
    keys = portal.keys()
    for portal.seconds in (0, 100, 299):
        assert keys.get("ES256") is not None
    assert portal.asked_for(JWKS) == 1
    portal.seconds = 300
    assert keys.get("ES256") is not None
    assert portal.asked_for(JWKS) == 2


def test_an_unchanged_set_is_not_sent_again() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.seconds = 300
    keys.get("ES256")
    assert portal.asked[0][1] is None
    assert portal.asked[1][1] is not None  # the ETag


def test_ten_thousand_unknown_kids_cost_one_fetch_a_window() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.seconds = 60
    for number in range(10_000):
        portal.seconds += 0.0005  # five seconds in all
        assert keys.get(f"stranger-{number}") is None
    assert portal.asked_for(JWKS) == 2
    portal.seconds = 71
    assert keys.get("stranger") is None
    assert portal.asked_for(JWKS) == 3


def test_a_new_key_is_found_at_its_first_token() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.kids.append("RS256")
    portal.seconds = 20
    assert keys.get("RS256") is not None


def test_known_keys_work_while_the_portal_is_away_for_an_hour() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.away = True
    for portal.seconds in range(0, 3601, 30):
        assert keys.get("ES256") is not None
    assert portal.asked_for(JWKS) <= 1 + 3600 / 30


def test_known_keys_work_for_most_of_a_day_with_a_call_every_few_seconds() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.away = True
    for portal.seconds in range(0, 86_400, 5):
        assert keys.get("ES256") is not None


def test_a_key_that_left_the_set_is_gone_with_the_next_fetch() -> None:
    portal = Portal("ES256", "RS256")
    keys = portal.keys()
    assert keys.get("ES256") is not None
    portal.kids.remove("ES256")
    portal.seconds = 301
    assert keys.get("ES256") is None
    assert keys.get("RS256") is not None


def test_keys_that_could_not_be_looked_up_for_a_day_are_not_believed() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.away, portal.seconds = True, 86_399
    assert keys.get("ES256") is not None
    portal.seconds = 86_400
    with pytest.raises(Unavailable):
        keys.get("ES256")
    portal.away, portal.seconds = False, 86_500
    assert keys.get("ES256") is not None


def test_before_the_first_fetch_nobody_can_tell() -> None:
    portal = Portal()
    portal.away = True
    keys = portal.keys()
    for portal.seconds in (0, 1, 2):
        with pytest.raises(Unavailable):
            keys.get("ES256")
    assert portal.asked_for(JWKS) == 1
    portal.away, portal.seconds = False, 10
    assert keys.get("ES256") is not None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "ES256", "alg": "HS256"}]}',
     json.dumps({"keys": [jwk_of("ES256"), jwk_of("ES256")]}).encode(), b"\xff\xfe", b"[" * 100_000],
)  # fmt: skip
def test_a_document_that_is_no_key_set_leaves_the_last_good_one(body: bytes) -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.instead[JWKS], portal.seconds = body, 300
    assert keys.get("ES256") is not None


def test_a_key_published_again_stays_the_same_object() -> None:
    portal = Portal()
    keys = portal.keys()
    first = keys.get("ES256")
    portal.kids.append("RS256")
    portal.seconds = 300
    assert keys.get("RS256") is not None
    assert keys.get("ES256") is first


def test_failures_are_repeated_ever_more_seldom() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.away = True
    for portal.seconds in range(300, 900):
        keys.get("ES256")
    assert 8 <= portal.asked_for(JWKS) - 1 <= 14  # 10, 20, 40, 60, 60 … seconds between them
    portal.away, portal.seconds = False, 1000
    keys.get("ES256")
    portal.seconds = 1010
    portal.kids.append("RS256")
    assert keys.get("RS256") is not None  # and then as before


def test_the_wait_after_a_failure_begins_when_it_ended() -> None:
    portal = Portal()

    def slow(url: str, etag: str | None) -> Fetched:
        portal.seconds += 3
        return portal.fetch(url, etag)

    keys = RemoteKeys(JWKS, fetch=slow, clock=portal.clock)
    portal.away = True
    for begun in range(5):
        with pytest.raises(Unavailable):
            keys.get("ES256")
        portal.seconds = begun * 2 + 5
    assert portal.asked_for(JWKS) == 1
    portal.seconds = 13
    with pytest.raises(Unavailable):
        keys.get("ES256")
    assert portal.asked_for(JWKS) == 2


def test_a_clock_that_was_put_back_keeps_no_key_for_longer() -> None:
    portal = Portal("ES256", "RS256")
    portal.seconds = 10_000
    keys = portal.keys()
    keys.get("ES256")
    portal.kids.remove("ES256")
    portal.seconds = 0
    assert keys.get("ES256") is None


@pytest.mark.parametrize("kid", ["ES256", "RS256"])
def test_who_has_nothing_to_go_on_with_waits(kid: str) -> None:
    """The first callers of all, and callers with a key that is new: one fetches for them all."""
    portal, fetching, go_on = Portal(), threading.Event(), threading.Event()
    is_first = kid == "ES256"

    def slow(url: str, etag: str | None) -> Fetched:
        if is_first or portal.asked:
            fetching.set()
            assert go_on.wait(30)
        return portal.fetch(url, etag)

    keys = RemoteKeys(JWKS, fetch=slow, clock=portal.clock)
    if not is_first:
        keys.get("ES256")
        portal.kids.append(kid)
        portal.seconds = 20
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(keys.get, kid) for _ in range(4)]
        try:
            assert fetching.wait(30)
        finally:
            go_on.set()
        assert all(future.result(30) is not None for future in found)
    assert portal.asked_for(JWKS) == (1 if is_first else 2)


def test_after_a_long_sleep_all_callers_wait_for_one_fetch() -> None:
    portal = Portal()
    keys = portal.keys()
    keys.get("ES256")
    portal.seconds = 2 * 86_400
    with ThreadPoolExecutor(4) as pool:
        assert all(found is not None for found in pool.map(keys.get, ["ES256"] * 8))
    assert portal.asked_for(JWKS) == 2


def test_one_fetches_and_the_others_go_on_with_what_there_is() -> None:
    portal, fetching, go_on = Portal(), threading.Event(), threading.Event()

    def slow(url: str, etag: str | None) -> Fetched:
        if portal.asked:
            fetching.set()
            assert go_on.wait(30)
        return portal.fetch(url, etag)

    keys = RemoteKeys(JWKS, fetch=slow, clock=portal.clock)
    keys.get("ES256")
    portal.seconds = 300
    one = threading.Thread(target=keys.get, args=("ES256",))
    one.start()
    try:
        assert fetching.wait(30)
        assert keys.get("ES256") is not None  # although a fetch is under way
    finally:
        go_on.set()
        one.join()
    assert portal.asked_for(JWKS) == 2
