"""Keys that were seen before are remembered, and what may have changed is looked at every time."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.tokens.keys import ISSUER, NOW_SECONDS, signing_key, token
from tests.tokens.portal import JWKS, Portal, status
from tokens.checker import CheckedKey, KeyChecker
from tokens.jwk import public_jwk
from tokens.jws import InvalidToken
from tokens.kept import Unavailable
from tokens.verify import Verifier

KEY: dict[str, Any] = {"org_id": "acme-1042", "scope": "orders:read  orders:write", "status": status()}


def checker(portal: Portal, **options: Any) -> KeyChecker:
    keys = portal.keys()
    return KeyChecker(Verifier(keys, ISSUER, now=portal.clock), statuses=portal.statuses(keys), **options)


def refusal(checking: KeyChecker, text: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        checking.check(text)
    return refused.value.code


def test_a_good_key_says_whose_it_is() -> None:
    checking = checker(Portal())
    for _ in ("first", "again"):
        key = checking.check(token(**KEY))
        assert (key.customer, key.user, key.key_id) == ("acme-1042", "usr_1", "jti-1")
        assert key.scopes == {"orders:read", "orders:write"}
    assert key.lacks(["orders:read"]) == []
    assert key.lacks(["b", "a", "orders:read"]) == ["a", "b"]


def test_the_clients_id_names_the_key_where_there_is_one() -> None:
    assert checker(Portal()).check(token(**KEY, client_id="key_1")).key_id == "key_1"


def test_the_claims_that_name_customer_and_user_can_be_others() -> None:
    checking = checker(Portal(), customer_claim="company", user_claim="uid")
    found = checking.check(token(company="c", uid="u"))
    assert (found.customer, found.user) == ("c", "u")


@pytest.mark.parametrize("value", [None, "", 7, ["acme"], {"id": "acme"}, True])
def test_a_token_that_names_no_customer_is_no_key(value: Any) -> None:
    assert refusal(checker(Portal()), token(**{**KEY, "org_id": value})) == "missing_claim"


def test_a_key_seen_before_expires() -> None:
    portal = Portal()
    checking, key = checker(portal), token(**KEY, exp=NOW_SECONDS + 60)
    checking.check(key)
    portal.seconds = 59
    checking.check(key)
    portal.seconds = 60
    assert refusal(checking, key) == "expired"
    assert refusal(checking, key) == "expired"


def test_a_key_seen_before_is_refused_when_the_clock_goes_back_beyond_its_start() -> None:
    portal = Portal()
    checking, key = checker(portal), token(**KEY)
    checking.check(key)
    portal.seconds = -1
    assert refusal(checking, key) == "not_yet_valid"


def test_a_key_seen_before_is_refused_when_it_is_revoked() -> None:
    portal = Portal()
    checking, key = checker(portal), token(**KEY)
    checking.check(key)
    portal.revoked.add(7)
    portal.seconds = 30
    assert refusal(checking, key) == "revoked"
    assert refusal(checking, key) == "revoked"


def test_a_key_seen_before_is_refused_when_its_signing_key_is_no_longer_published() -> None:
    portal = Portal("ES256", "RS256")
    checking, key = checker(portal), token(**{**KEY, "exp": NOW_SECONDS + 3600})
    checking.check(key)
    portal.kids.remove("ES256")
    portal.seconds = 301
    assert refusal(checking, key) == "unknown_key"
    assert refusal(checking, key) == "unknown_key"


def test_a_key_whose_signing_key_comes_back_is_good_again() -> None:
    portal = Portal("ES256", "RS256")
    checking, key = checker(portal), token(**{**KEY, "exp": NOW_SECONDS + 3600})
    checking.check(key)
    for portal.kids, portal.seconds in ((["RS256"], 301), (["RS256", "ES256"], 620)):
        if "ES256" not in portal.kids:
            assert checking._verifier.keys.get("RS256") is not None  # the set without it is fetched
    assert checking.check(key).customer == "acme-1042"


def test_another_key_under_the_same_kid_is_another_key() -> None:
    """The former one's signatures count no longer, also of keys that were seen."""
    portal = Portal("ES256")
    checking, key = checker(portal), token(**{**KEY, "exp": NOW_SECONDS + 3600})
    checking.check(key)
    other = public_jwk(signing_key("ES256", 1).public_key(), kid="ES256", algorithm="ES256")  # type: ignore[union-attr]
    portal.instead[JWKS], portal.seconds = json.dumps({"keys": [other]}).encode(), 301
    assert refusal(checking, key) == "bad_signature"
    assert refusal(checking, key) == "bad_signature"


def test_many_threads_agree() -> None:
    portal = Portal()
    checking = checker(portal, remembered=5)
    keys = [token(**KEY, jti=str(number)) for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: checking.check(keys[number % 20]).claims["jti"], range(2000)))
    assert found == [str(number % 20) for number in range(2000)]
    assert len(checking._seen) <= 5


def test_what_a_caller_does_to_a_key_changes_nobody_elses() -> None:
    with pytest.raises(TypeError):
        checker(Portal()).check(token(**KEY)).claims["org_id"] = "other"  # type: ignore[index]


@pytest.mark.parametrize("claim", ["org_id", "sub"])
def test_names_have_no_line_ends(claim: str) -> None:
    assert refusal(checker(Portal()), token(**{**KEY, claim: "acme\r\nX-Admin: 1"})) == "bad_claim"
    assert refusal(checker(Portal()), token(**{**KEY, claim: "acme\x00"})) == "bad_claim"


def test_a_renewed_key_set_costs_no_key_its_place() -> None:
    portal = Portal()
    checking, key = checker(portal), token(**{**KEY, "exp": NOW_SECONDS + 3600})
    first = checking.check(key)
    portal.kids.append("RS256")
    portal.seconds = 301
    assert checking.check(key) is first


def test_a_bad_token_is_never_remembered() -> None:
    checking = checker(Portal())
    good = token(**KEY)
    bad = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
    assert refusal(checking, bad) == "bad_signature"
    assert refusal(checking, bad) == "bad_signature"


def test_memory_is_bounded() -> None:
    checking = checker(Portal(), remembered=3)
    keys = [token(**KEY, jti=str(number)) for number in range(5)]
    found: list[CheckedKey] = [checking.check(key) for key in keys]
    assert checking.check(keys[4]) is found[4]
    assert checking.check(keys[0]) is not found[0]  # forgotten, verified anew
    assert len(checking._seen) == 3


def test_no_secret_is_kept() -> None:
    checking, key = checker(Portal()), token(**KEY)
    checking.check(key)
    assert all(isinstance(name, bytes) and len(name) == 32 for name in checking._seen)
    assert key not in repr(checking._seen)
    assert key.split(".")[2] not in repr(checking._seen)


def test_without_the_portal_nobody_can_tell_of_a_new_key() -> None:
    portal = Portal()
    portal.away = True
    with pytest.raises(Unavailable):
        checker(portal).check(token(**KEY))


def test_text_that_is_no_unicode_is_refused() -> None:
    assert refusal(checker(Portal()), "\ud800.a.b") == "malformed"


def test_a_status_of_another_portal_is_refused() -> None:
    elsewhere = status(uri="https://elsewhere.example/.well-known/status-lists/0")
    assert refusal(checker(Portal()), token(**{**KEY, "status": elsewhere})) == "bad_claim"
