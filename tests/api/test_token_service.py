"""``/v1/token``: five claims, a record for every token, limits, and refusals that say why."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.db import OperationalError, connection
from django.test import Client

from portal.core.limits import parse_limit
from portal.core.phone_numbers import parse_phone_number
from portal.core.token_service import TokenService
from portal.models import AuditEvent, PhoneToken, User
from portal.services.purge import purge
from portal.services.sealing import rotate_sealing_key
from tests.conftest import Api, Clock, token_for

pytestmark = pytest.mark.django_db(transaction=True)
KEY = b"k" * 32
NUMBER = "15555550123"


def service(
    rate: str = "30/minute", phone_rate: str = "5/minute", *, needs_bearer: bool = False
) -> TokenService:
    return TokenService("acme", KEY, parse_limit(rate), parse_limit(phone_rate), needs_bearer)


@pytest.fixture(autouse=True)
def running(settings: Any) -> None:
    settings.TOKEN_SERVICE = service()


def ask(wanted: str, method: str = "GET", **headers: str) -> Any:
    return Client(raise_request_exception=False).generic(method, f"/v1/token/{wanted}", headers=headers)


def claims_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    return dict(
        jwt.decode(answer.content, KEY, ["HS256"], options={"verify_exp": False, "verify_iat": False})
    )


def test_the_token_alone_with_exactly_five_claims(clock: Clock) -> None:
    answer = ask(NUMBER)
    issued_at = int(clock().timestamp()) - 10
    xid = answer["X-Transaction-Id"]
    assert claims_of(answer) == {
        "iss": "acme", "iat": issued_at, "exp": issued_at + 90, "phn": NUMBER, "xid": xid,
    }  # fmt: skip
    assert str(uuid.UUID(xid)) == xid
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/plain", "no-store")
    assert jwt.get_unverified_header(answer.content) == {"alg": "HS256", "typ": "JWT"}
    assert not answer.cookies


def test_the_number_is_claimed_as_it_was_written() -> None:
    assert claims_of(ask(f"+{NUMBER}"))["phn"] == f"+{NUMBER}"
    assert claims_of(ask(f"%2B{NUMBER}/a.B_c-9"))["xid"] == "a.B_c-9"


def test_every_token_has_its_record_and_is_not_kept(clock: Clock) -> None:
    answer = ask(NUMBER, X_Forwarded_For="198.51.100.7")
    record = PhoneToken.objects.get()
    assert record.fingerprint == hashlib.sha256(answer.content).hexdigest()
    assert record.e164 == f"+{NUMBER}"
    assert (record.xid, record.expires_at.timestamp()) == (
        answer["X-Transaction-Id"],
        claims_of(answer)["exp"],
    )
    stored = " ".join(str(value) for value in PhoneToken.objects.values_list().get())
    for private in (NUMBER, "127.0.0.1", answer.content.decode()):
        assert private not in stored
    assert not AuditEvent.objects.filter(action__contains="phone").exists()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("abc", "bad_phone_number"), ("123", "bad_phone_number"), ("/xid", "bad_phone_number"),
        (f"{NUMBER}%0A", "bad_phone_number"), (f"{NUMBER}%00", "bad_phone_number"),
        (f"+1{'5' * 3000}", "bad_phone_number"), (f"{NUMBER}/", "bad_xid"), (f"{NUMBER}/a%20b", "bad_xid"),
        (f"{NUMBER}/{'x' * 65}", "bad_xid"), (f"{NUMBER}/a/b", "bad_xid"), (f"{NUMBER}/x%0A", "bad_xid"),
        (f"{NUMBER}/%E2%80%8B", "bad_xid"), (f"{NUMBER}/%FF", "bad_xid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_bad_input_is_refused_and_counts_for_nothing(wanted: str, code: str, method: str) -> None:
    answer = ask(wanted, method)
    assert answer.status_code == 400
    if method == "GET":
        assert answer.json()["code"] == code
        assert answer["Content-Type"] == "application/problem+json"
    assert not PhoneToken.objects.exists()


def test_a_transaction_has_many_tokens_and_one_number(clock: Clock) -> None:
    first = ask(f"{NUMBER}/order-1")
    clock.advance(seconds=2)
    again = ask(f"+{NUMBER}/order-1")
    assert claims_of(first)["iat"] + 2 == claims_of(again)["iat"]
    assert [token.ordinal for token in PhoneToken.objects.filter(xid="order-1")] == [2, 1]
    for method in ("GET", "HEAD"):
        assert ask("15555550124/order-1", method).status_code == 409
    assert ask("15555550124/order-1").json()["code"] == "xid_taken"
    assert PhoneToken.objects.count() == 2


def test_head_counts_and_makes_nothing(settings: Any) -> None:
    settings.TOKEN_SERVICE = service(phone_rate="2/minute")
    answer = ask(f"{NUMBER}/order-1", "HEAD")
    assert (answer.status_code, answer.content, answer["X-Transaction-Id"]) == (200, b"", "order-1")
    assert ask(NUMBER).status_code == 200
    assert ask(NUMBER, "HEAD").status_code == ask(NUMBER).status_code == 429
    assert PhoneToken.objects.count() == 1


def test_a_number_has_its_limit_however_it_is_written(clock: Clock) -> None:
    for _ in range(5):
        claims_of(ask(f"+{NUMBER}"))
        clock.advance(seconds=5)
    answer = ask(NUMBER)
    assert (answer.status_code, answer["Retry-After"]) == (429, "35")
    assert answer.json()["code"] == "too_many_for_number"
    assert ask("15555550124").status_code == 200
    clock.advance(seconds=35)
    assert ask(NUMBER).status_code == 200


def test_an_address_has_its_limit(settings: Any, clock: Clock) -> None:
    settings.TOKEN_SERVICE = service(rate="2/minute")
    for last in (1, 2):
        claims_of(ask(f"1555555000{last}", X_Forwarded_For=f"198.51.100.{last}"))
    answer = ask("15555550003", X_Forwarded_For="198.51.100.3")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    settings.TRUSTED_PROXIES = 1
    assert ask("15555550003", X_Forwarded_For="198.51.100.3").status_code == 200
    assert PhoneToken.objects.count() == 3


def test_trying_out_transactions_is_limited(settings: Any) -> None:
    claims_of(ask(f"{NUMBER}/order-1"))
    answers = [ask(f"1555555012{n}/order-1").status_code for n in range(4, 9) for _ in range(6)]
    assert answers.count(409) == 25  # five a number
    assert set(answers) == {409, 429}


def test_other_methods_are_told_which_there_are() -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"):
        answer = ask(NUMBER, method)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = ask(NUMBER, "OPTIONS")
    assert (answer.status_code, answer["Allow"], answer.content) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_off_means_that_there_is_no_such_path(settings: Any, api: Api, method: str) -> None:
    settings.TOKEN_SERVICE = None
    assert ask(NUMBER, method).status_code == 404
    assert api.get("/phone-tokens?xid=a").status_code == 404


def test_with_bearer_only_for_tokens_that_may(settings: Any, staff: User, owner: Any) -> None:
    settings.TOKEN_SERVICE = service(needs_bearer=True)
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        answer = ask(NUMBER, **headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    weak = ask(NUMBER, Authorization=f"Bearer {token_for(staff, 'tokens:read')}")
    assert (weak.status_code, weak.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in weak["WWW-Authenticate"]
    assert ask(NUMBER, Authorization=f"bearer {token_for(staff, 'tokens:write')}").status_code == 200
    assert PhoneToken.objects.count() == 1


def test_a_database_that_is_away_gives_no_token(running: None) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        answer = ask(NUMBER)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "database_unavailable"


def test_records_are_found_after_the_sealing_key_was_rotated(settings: Any, api: Api) -> None:
    claims_of(ask(f"{NUMBER}/order-1"))
    old = settings.SEALING_KEYS
    settings.SEALING_KEYS = ("n" * 40, *old)
    claims_of(ask(f"{NUMBER}/order-1"))  # half-way: hashed under both
    assert ask("15555550124/order-1").status_code == 409
    assert found(api, f"phone_number={NUMBER}") == found(api, "xid=order-1") == ["order-1"] * 2
    rotate_sealing_key()
    settings.SEALING_KEYS = ("n" * 40,)
    number = parse_phone_number(NUMBER)
    assert number is not None
    assert PhoneToken.objects.of_number(number).count() == 2
    assert {token.e164 for token in PhoneToken.objects.all()} == {f"+{NUMBER}"}
    settings.SEALING_KEYS = old
    assert found(api, f"phone_number={NUMBER}") == []


def test_records_are_purged_after_their_retention(settings: Any, clock: Clock) -> None:
    claims_of(ask(NUMBER))
    clock.advance(days=30)
    claims_of(ask(NUMBER))
    clock.advance(minutes=2)
    assert purge()["phone tokens"] == 1
    assert PhoneToken.objects.count() == 1


def found(api: Api, query: str) -> list[str]:
    answer = api.get(f"/phone-tokens?{query}")
    assert answer.status_code == 200, answer.content
    return [row["xid"] for row in answer.json()["results"]]


def test_lookup_by_either_newest_first(api: Api, clock: Clock) -> None:
    token = ask(f"{NUMBER}/order-1")
    clock.advance(seconds=1)
    claims_of(ask(f"+{NUMBER}/order-2"))
    claims_of(ask("15555550124/order-3"))
    assert found(api, "xid=order-1") == ["order-1"]
    for written in (NUMBER, f"%2B{NUMBER}", f"+{NUMBER}", f"%20{NUMBER}"):
        assert found(api, f"phone_number={written}") == ["order-2", "order-1"]
    assert found(api, f"phone_number={NUMBER}&xid=order-3") == []
    assert found(api, "xid=unknown") == []
    row = api.get("/phone-tokens?xid=order-1").json()["results"][0]
    assert set(row) == {"xid", "phone_number", "issued_at", "expires_at", "fingerprint"}
    assert row["phone_number"] == f"+{NUMBER}"
    assert row["fingerprint"] == hashlib.sha256(token.content).hexdigest()
    page = api.get(f"/phone-tokens?phone_number={NUMBER}&limit=1").json()
    assert [row["xid"] for row in page["results"]] == ["order-2"]
    assert page["next"]


@pytest.mark.parametrize(
    "query", ["", "xid=a%20b", "phone_number=abc", "xid=", "number=1", "phone_number=%20"]
)
def test_lookups_that_make_no_sense(api: Api, query: str) -> None:
    assert api.get(f"/phone-tokens?{query}").status_code == 422


def test_lookups_need_the_scope_and_are_audited(api: Api, staff: User, owner: Any) -> None:
    claims_of(ask(f"{NUMBER}/order-1"))
    for caller, status in ((None, 401), (token_for(staff, "keys:read"), 403)):
        assert Api(caller).get("/phone-tokens?xid=order-1").status_code == status
    assert not AuditEvent.objects.filter(action="phone_numbers.shown").exists()
    found(api, "xid=order-1")
    found(api, "xid=unknown")
    event = AuditEvent.objects.get(action="phone_numbers.shown")
    assert event.detail == {"records": [PhoneToken.objects.get().pk]}
    assert NUMBER not in str(event.detail) + event.object


@pytest.mark.parametrize(("wanted", "statements"), [(NUMBER, 4), (f"{NUMBER}/order-1", 5)])
def test_one_token_costs_few_statements_and_a_commit(
    wanted: str, statements: int, django_assert_num_queries: Callable[[int], Any]
) -> None:
    """Three for the limits, one that looks a given transaction up, one for the record."""
    ask(wanted)
    with django_assert_num_queries(statements + 2) as queries:  # begin and commit
        ask(wanted, Cookie="sessionid=abc")
    assert "xid" in queries.captured_queries[-2]["sql"]
