"""gateways/python in this process: headers, answers, outages, Wycheproof's vectors."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from latchkey_verifier import KeyChecker, PortalVerifier, Refused, key_checker

from tests.gateways.issuer import JWKS, STATUS_INDEX, Issuer
from tests.real.waiting import eventually
from tests.tokens.keys import ISSUER, NOW_SECONDS, raw_token, token
from tests.tokens.portal import Portal, status
from tests.tokens.test_wycheproof import VECTORS, Vector, cases, groups, keys_of
from tokens.keyset import KeySet
from tokens.verify import Verifier

DAY, HOUR = 86_400, 3_600


def verifier(portal: Portal) -> PortalVerifier:
    keys = portal.keys()
    return PortalVerifier(
        KeyChecker(Verifier(keys, ISSUER, now=portal.clock), statuses=portal.statuses(keys))
    )


def key(**changes: Any) -> str:
    return token(**{"org_id": "acme-1042", "scope": "orders:read", "exp": NOW_SECONDS + 2 * DAY, **changes})


def refusal(keys: PortalVerifier, header: str | None, *scopes: str) -> Refused:
    with pytest.raises(Refused) as refused:
        keys.key(header, *scopes)
    return refused.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer  "])
def test_a_good_key_is_returned(scheme: str) -> None:
    found = verifier(Portal()).key(f"{scheme} {key()}", "orders:read")
    assert (found.customer, found.user) == ("acme-1042", "usr_1")


@pytest.mark.parametrize("header", [None, ""])
def test_without_a_header_the_answer_has_no_error(header: str | None) -> None:
    refused = refusal(verifier(Portal()), header)
    assert (refused.status, refused.code) == (401, "missing_key")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        " ", "\t", "Bearer", "Bearer ", "Bearer\t{}", "Bearer\u00a0{}", "Bearer\u2003{}", "Basic {}", "{}", "{} ,",
        "Bearer {},", "Bearer {}, Bearer {}", "Bearer {} {}", "Bearer {},Basic x", "Basic x, Bearer {}",
        "Bearer {}\n", "Bearer {}\r\nX: y", "Bearer {}\0", "Bearer \ud800{}", "Bearer ä{}", 'Bearer "{}"', "Bearer=1",
        "Bearer " + "A" * 100_000, "Bearer " + "." * 100_000, "Bearer " + " " * 100_000, "=" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_one_token_is_invalid(header: str) -> None:
    refused = refusal(verifier(Portal()), header.replace("{}", key()))
    assert (refused.status, refused.code) == (401, "invalid_token")
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_key_that_lacks_scopes_learns_which_one_needs() -> None:
    keys = verifier(Portal())
    refused = refusal(keys, f"Bearer {key()}", "orders:read", "orders:write")
    assert (refused.status, refused.code) == (403, "insufficient_scope")
    expected = 'Bearer error="insufficient_scope", scope="orders:read orders:write"'
    assert refused.headers["WWW-Authenticate"] == expected


def test_the_answer_is_a_problem_that_says_nothing_of_the_token() -> None:
    keys = verifier(Portal())
    bodies = {refusal(keys, f"Bearer {bad}").body for bad in (key(exp=1), key(iss="x"), "x.y.z", key() + "A")}
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == {
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "invalid_token",
        "detail": "The key is not valid.",
    }  # fmt: skip


def test_the_log_has_a_code_and_no_token(caplog: pytest.LogCaptureFixture) -> None:
    portal = Portal()
    keys, bad = verifier(portal), key(exp=NOW_SECONDS)
    with caplog.at_level(logging.DEBUG):
        refusal(keys, f"Bearer {bad}")
        refusal(keys, f"Bearer {key()}", "more")
        portal.away = True
        refusal(verifier(portal), f"Bearer {key()}")
    assert "latchkey.refused code=expired" in caplog.text
    assert "latchkey.refused code=insufficient_scope" in caplog.text
    assert "latchkey.unavailable" in caplog.text
    assert not any(part in caplog.text for part in bad.split(".")[1:])
    assert "acme-1042" not in caplog.text


def test_what_nobody_can_tell_is_503() -> None:
    portal = Portal()
    portal.away = True
    refused = refusal(verifier(portal), f"Bearer {key()}")
    assert (refused.status, refused.code) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) == 10


def test_in_an_outage_keys_go_on_for_a_day() -> None:
    portal = Portal()
    keys, known, new = verifier(portal), key(), key(jti="another")
    keys.key(f"Bearer {known}")
    portal.away = True
    for seconds in range(0, DAY, 600):
        portal.seconds = seconds
        assert keys.key(f"Bearer {known}")
        assert keys.key(f"Bearer {new}")
    portal.seconds = DAY
    assert refusal(keys, f"Bearer {known}").status == 503


def test_in_an_outage_keys_with_a_status_go_on_until_the_list_ends() -> None:
    portal = Portal()
    keys, known = verifier(portal), key(status=status())
    keys.key(f"Bearer {known}")
    portal.away = True
    portal.seconds = 2 * HOUR - 1
    assert keys.key(f"Bearer {known}")
    portal.seconds = 2 * HOUR
    assert refusal(keys, f"Bearer {known}").status == 503
    portal.away = False
    portal.seconds += 10
    assert keys.key(f"Bearer {known}")


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.glob("*.json")))
def test_no_vector_is_a_key_even_when_its_own_keys_are_the_portals(name: str) -> None:
    refused = 0
    for group, test, number, _ in cases(name):
        keys = PortalVerifier(KeyChecker(Verifier(_usable_keys(group), ISSUER)))
        text = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
        for header in (f"Bearer {text}", text):
            assert refusal(keys, header).status == 401, number
        refused += 1
    assert refused == sum("jws" in test for group in groups(name) for test in group["tests"])


def _usable_keys(group: Vector) -> KeySet:
    try:
        return keys_of(group.get("public") or group["private"])
    except ValueError:
        return KeySet()


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b'"text"', b"{}", b"[" * 3_000, b'{"iss":' * 1_000, b"\xff\xfe", b'{"exp": 1e999}'],
)
def test_signed_nonsense_is_refused(payload: bytes) -> None:
    assert refusal(verifier(Portal()), f"Bearer {raw_token(payload)}").status == 401


@pytest.mark.parametrize(
    "portal",
    [
        "", "portal.example", "http://portal.example", "ftp://portal.example", "https://", "https:///x",
        "https://portal.example/path", "https://portal.example?x", "https://portal.example#x", "file:///etc/passwd",
        "http://127.0.0.1.example", "https://[",
    ],
)  # fmt: skip
def test_a_portal_is_an_origin_that_can_be_trusted(portal: str) -> None:
    with pytest.raises(ValueError, match="origin|URL|IPv6"):
        key_checker(portal)


@pytest.mark.parametrize(
    "portal",
    ["https://portal.example", "https://portal.example:8443/", "http://127.0.0.1:8000", "http://[::1]:1"],
)
def test_nothing_is_fetched_before_the_first_key(portal: str) -> None:
    assert key_checker(portal, audience=["a", "b"], leeway=timedelta(seconds=5), status_lists=False)


@pytest.fixture(scope="module")
def plain_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer"), algorithm="EdDSA", tls=False).serving() as issuer:
        yield issuer


def test_the_options_do_what_they_say(plain_issuer: Issuer) -> None:
    issuer, now = plain_issuer, int(time.time())

    def status_of(text: str, **options: Any) -> int:
        keys = PortalVerifier(key_checker(issuer.url, **{"audience": issuer.audience} | options))
        try:
            keys.key(f"Bearer {text}")
        except Refused as refused:
            return refused.status
        return 200

    assert status_of(issuer.token()) == 200
    assert status_of(issuer.token(), audience=["https://other.example", issuer.audience]) == 200
    assert status_of(issuer.token(), audience=None) == 401
    assert status_of(issuer.token(), issuer="https://other.example") == 401
    assert status_of(issuer.token(iss="https://other.example"), issuer="https://other.example") == 200
    late = issuer.token(exp=now - 60, iat=now - 120)
    assert status_of(late) == 401
    assert status_of(late, leeway=timedelta(hours=1)) == 200
    assert status_of(issuer.token(), customer_claim="company") == 401
    assert status_of(issuer.token(company="c"), customer_claim="company") == 200
    issuer.revoked.add(STATUS_INDEX)
    assert status_of(issuer.token()) == 401
    assert status_of(issuer.token(), status_lists=False) == 200
    issuer.revoked.clear()


def test_published_keys_are_fetched_as_often_as_asked(plain_issuer: Issuer) -> None:
    keys = PortalVerifier(
        key_checker(plain_issuer.url, audience=plain_issuer.audience, jwks_fresh_seconds=0.01)
    )
    text = plain_issuer.token()
    before = plain_issuer.fetched[JWKS]
    eventually(
        lambda: keys.key(f"Bearer {text}") and plain_issuer.fetched[JWKS] > before + 2,
        "three fetches",
        seconds=30,
    )
