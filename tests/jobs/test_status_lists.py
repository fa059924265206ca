"""Status lists on the worker's schedule: when they are signed anew, and what stands in them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection

from portal.core.actor import SYSTEM
from portal.core.failpoints import on_failpoint
from portal.jobs.run import run_operation
from portal.jobs.schedule import URGENT, run_due_jobs
from portal.models import IssuedKey, Membership, SigningKey, StatusList, StatusListChange
from portal.services.keys.revoke import mark_gone, revoke_key, revoke_keys_of
from portal.services.keys.rotate import rotate_key
from portal.services.restore import skip_status_lists
from portal.services.signing_keys.rotate import revoke_signing_key, rotate_signing_key
from portal.services.status_lists import (
    AHEAD,
    KEPT_AFTER_EXPIRY,
    SHORTEST_LIFE,
    is_any_list_stale,
    note_status_changes,
    publish_status_lists,
)  # fmt: skip
from tests.conftest import Clock, key_of
from tests.factories import CustomerFactory
from tests.key_numbers import restart_key_numbers
from tokens.jwk import public_key_from_jwk
from tokens.status_list import INVALID, LIST_SIZE, VALID, Statuses

pytestmark = pytest.mark.django_db


def tick(clock: Clock) -> bool:
    """A second passes in a worker; whether it signed anything."""
    clock.advance(seconds=1)
    ran = run_due_jobs(URGENT)
    assert not run_due_jobs(URGENT)
    return ran


@pytest.fixture(autouse=True)
def published(clock: Clock) -> None:
    """A worker that has looked once."""
    restart_key_numbers()
    while run_due_jobs(URGENT):
        pass


def claims(number: int = 0) -> dict[str, Any]:
    """A list's claims as a gateway gets them: verified with the published keys."""
    token = StatusList.objects.get(number=number).token
    kid = jwt.get_unverified_header(token)["kid"]
    public = public_key_from_jwk(SigningKey.objects.published().get(kid=kid).public_jwk)[1]
    # The clock of these tests stands still: times are looked at one by one.
    plain = {"verify_exp": False, "verify_iat": False}
    return dict(jwt.decode(token, public, algorithms=["RS256"], options=plain))  # type: ignore[arg-type]


def status(answer: dict[str, Any]) -> int:
    """What the list says that the key's own claim points to."""
    told = jwt.decode(answer["secret"], options={"verify_signature": False})["status"]["status_list"]
    found = claims(int(told["uri"].rpartition("/")[2]))
    assert found["sub"] == told["uri"]
    return Statuses.from_claim(found["status_list"])[told["idx"]]


def bare_key(**fields: Any) -> IssuedKey:
    """A key with that status, written past the services."""
    return IssuedKey.objects.create(
        **{"customer": CustomerFactory(), "name": "k", "plugin": "jwt", "status": "requested", **fields}
    )


def test_the_first_list_exists_before_the_first_key(clock: Clock) -> None:
    found = claims()
    header = jwt.get_unverified_header(StatusList.objects.get().token)
    assert (header["typ"], header["alg"]) == ("statuslist+jwt", "RS256")
    assert found["sub"] == f"{settings.PORTAL_BASE_URL}/.well-known/status-lists/0"
    assert (found["iat"], found["ttl"]) == (clock().timestamp(), 60)
    assert found["exp"] == (clock() + SHORTEST_LIFE).timestamp()
    assert Statuses.from_claim(found["status_list"]) == Statuses(1, bytes(LIST_SIZE // 8))


def test_a_list_can_not_pass_for_a_key(issue: Callable[..., dict[str, Any]]) -> None:
    """It is public and signed by a key of the JWKS: its issuer is another, for gateways that ignore typ."""
    issuer = jwt.decode(issue()["secret"], options={"verify_signature": False})["iss"]
    assert claims()["iss"] not in (issuer, None)


def test_the_lifetime_follows_a_long_ttl(clock: Clock, settings: Any) -> None:
    settings.STATUS_LIST_TTL = timedelta(hours=1)
    clock.advance(minutes=31)
    tick(clock)
    assert claims()["exp"] - claims()["iat"] == timedelta(hours=10).total_seconds()


def test_one_query_when_nothing_changed(clock: Clock, django_assert_num_queries: Any) -> None:
    clock.advance(seconds=1)
    with django_assert_num_queries(1):
        assert not run_due_jobs(URGENT)


def test_issuing_signs_nothing(clock: Clock, issue: Callable[..., dict[str, Any]]) -> None:
    answer = issue()
    assert not tick(clock)
    assert status(answer) == VALID


def test_a_revoked_key_is_invalid_a_second_later(clock: Clock, issue: Callable[..., dict[str, Any]]) -> None:
    revoked, other = issue(), issue()
    revoke_key(SYSTEM, key_of(revoked).pk)
    assert tick(clock)
    assert (status(revoked), status(other)) == (INVALID, VALID)
    assert not StatusListChange.objects.exists()
    assert not tick(clock)


def test_all_keys_of_a_customer_cost_one_signing(
    clock: Clock, issue: Callable[..., dict[str, Any]], owner: Membership
) -> None:
    answers = [issue() for _ in range(3)]
    revoke_keys_of(SYSTEM, owner.customer, reason="closed")
    assert StatusListChange.objects.count() == 1
    assert tick(clock)
    assert {status(answer) for answer in answers} == {INVALID}


def test_a_key_whose_credential_somebody_deleted_is_invalid(clock: Clock) -> None:
    gone = bare_key(status="active", activated_at=clock(), fingerprint="f", external_id="e")
    mark_gone(gone.public_id, "e")
    assert tick(clock)
    assert any(Statuses.from_claim(claims()["status_list"]).octets)


def test_a_key_that_a_provider_still_has_is_invalid(clock: Clock) -> None:
    revoking = bare_key(status="revoking")
    clock.advance(seconds=30)
    assert tick(clock)
    ones = Statuses.from_claim(claims()["status_list"]).octets
    assert sum(octet.bit_count() for octet in ones) == 1
    assert revoking.status == "revoking"


@pytest.mark.parametrize("status", ["requested", "needs_attention", "failed", "expired"])
def test_what_nobody_revoked_has_no_bit(clock: Clock, status: str) -> None:
    bare_key(status=status)
    clock.advance(seconds=30)
    assert tick(clock)
    assert not any(Statuses.from_claim(claims()["status_list"]).octets)


def test_an_expired_key_loses_its_bit_a_day_later(clock: Clock, issue: Callable[..., dict[str, Any]]) -> None:
    answer = issue(expires_in="1h")
    revoke_key(SYSTEM, key_of(answer).pk)
    clock.advance(hours=1)
    assert tick(clock)
    assert status(answer) == INVALID
    clock.advance(seconds=KEPT_AFTER_EXPIRY.total_seconds())
    assert tick(clock)
    assert not any(Statuses.from_claim(claims()["status_list"]).octets)


def test_the_end_of_an_overlap_is_published_though_its_operation_is_late(
    clock: Clock, issue: Callable[..., dict[str, Any]]
) -> None:
    old = issue()
    operation = rotate_key(SYSTEM, key_of(old).pk, overlap=timedelta(seconds=10))
    run_operation(operation)
    assert tick(clock)
    clock.advance(seconds=7)
    assert not tick(clock)
    assert status(old) == VALID
    assert tick(clock)
    assert key_of(old).status == "active"
    assert status(old) == INVALID


def test_a_list_is_signed_anew_at_half_life(clock: Clock) -> None:
    signed_at = claims()["iat"]
    clock.advance(seconds=28)
    assert not tick(clock)
    assert tick(clock)
    assert claims()["iat"] == signed_at + 30


def test_a_revocation_that_nobody_noted_is_found_by_then(
    clock: Clock, issue: Callable[..., dict[str, Any]]
) -> None:
    answer = issue()
    IssuedKey.objects.update(status="revoked", revoked_at=clock())
    clock.advance(seconds=30)
    assert tick(clock)
    assert status(answer) == INVALID


def test_a_clock_put_back_has_lists_signed_anew(clock: Clock) -> None:
    clock.advance(days=-1)
    assert tick(clock)
    assert claims()["iat"] == clock().timestamp()


def test_a_revoked_signing_key_signs_no_list(clock: Clock, issue: Callable[..., dict[str, Any]]) -> None:
    answer = issue()
    leaked = SigningKey.objects.get(source="managed", state="active").kid
    revoke_signing_key(SYSTEM, leaked, reason="leaked")
    assert tick(clock)
    assert StatusList.objects.get().kid == SigningKey.objects.get(source="managed", state="active").kid
    assert status(answer) == INVALID


def test_a_rotation_is_followed_too(clock: Clock) -> None:
    rotate_signing_key(SYSTEM, force=True)
    assert tick(clock)
    assert StatusList.objects.get().kid == SigningKey.objects.get(source="managed", state="active").kid


@pytest.mark.usefixtures("published")
def test_nothing_to_sign_with_is_nothing_to_do(clock: Clock) -> None:
    SigningKey.objects.filter(source="managed", state="active").update(state="retiring")
    clock.advance(hours=1)
    assert not is_any_list_stale()


def test_the_next_list_exists_before_its_first_key(clock: Clock) -> None:
    bare_key(id=LIST_SIZE - AHEAD - 1)
    assert not tick(clock)
    bare_key(id=LIST_SIZE - AHEAD)
    assert tick(clock)
    assert sorted(StatusList.objects.values_list("number", flat=True)) == [0, 1]
    assert not tick(clock)


def test_every_list_with_a_key_in_it_exists(clock: Clock) -> None:
    for number in (1, 2, 1_700_000_000):
        bare_key(id=number * LIST_SIZE + 7)
    assert tick(clock)
    assert sorted(StatusList.objects.values_list("number", flat=True)) == [0, 1, 2, 1_700_000_000]


def test_a_restored_database_has_the_list_that_comes_next(clock: Clock) -> None:
    number = skip_status_lists()
    assert tick(clock)
    assert not any(Statuses.from_claim(claims(number)["status_list"]).octets)


def test_only_the_list_that_changed_is_signed(clock: Clock) -> None:
    bare_key(id=LIST_SIZE + 7)
    tick(clock)
    key = bare_key(id=LIST_SIZE + 8)
    before = StatusList.objects.get(number=0).token
    revoke_key(SYSTEM, key.pk)
    assert publish_status_lists() == 1
    assert StatusList.objects.get(number=0).token == before


def test_a_signer_that_was_overtaken_stores_nothing(
    clock: Clock, issue: Callable[..., dict[str, Any]]
) -> None:
    """It was frozen between reading and storing, while another worker published a revocation."""
    first, second = issue(), issue()

    def overtake(name: str) -> None:
        if name == "status_list.signed":
            on_failpoint(None)
            revoke_key(SYSTEM, key_of(second).pk)
            assert publish_status_lists() == 1

    revoke_key(SYSTEM, key_of(first).pk)
    on_failpoint(overtake)
    try:
        assert publish_status_lists() == 0
    finally:
        on_failpoint(None)
    assert (status(first), status(second)) == (INVALID, INVALID)


def test_what_is_revoked_while_a_list_is_signed_is_in_the_next(
    clock: Clock, issue: Callable[..., dict[str, Any]]
) -> None:
    first, second = issue(), issue()

    def meanwhile(name: str) -> None:
        if name == "status_list.signed":
            on_failpoint(None)
            revoke_key(SYSTEM, key_of(second).pk)

    revoke_key(SYSTEM, key_of(first).pk)
    on_failpoint(meanwhile)
    try:
        assert publish_status_lists() == 1
    finally:
        on_failpoint(None)
    assert (status(first), status(second)) == (INVALID, VALID)
    assert tick(clock)
    assert status(second) == INVALID


def overlapping(clock: Clock, number: int, *, ends_in: float) -> IssuedKey:
    return bare_key(
        id=number, status="active", fingerprint=str(number), activated_at=clock(),
        retires_at=clock() + timedelta(seconds=ends_in),
    )  # fmt: skip


def ones(number: int = 0) -> int:
    """How many keys the list calls invalid."""
    return sum(octet.bit_count() for octet in Statuses.from_claim(claims(number)["status_list"]).octets)


def test_each_list_has_its_own_overlaps_and_is_due_at_the_next_end(clock: Clock) -> None:
    for number, ends_in in ((LIST_SIZE + 1, -9), (1, -5), (LIST_SIZE + 2, 4), (2, 10), (3, 20)):
        overlapping(clock, number, ends_in=ends_in)
    note_status_changes([1, LIST_SIZE + 1])
    publish_status_lists()
    assert (ones(0), ones(1)) == (1, 1)
    due = dict(StatusList.objects.values_list("number", "renew_at"))
    assert due[0] == clock() + timedelta(seconds=10)
    assert due[1] == clock() + timedelta(seconds=4)


def test_a_key_whose_overlap_is_ended_meanwhile_is_never_valid_again(clock: Clock) -> None:
    key = overlapping(clock, 1, ends_in=-5)
    asked: list[str] = []

    def end_it(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if (
            sql.startswith("SELECT")
            and "portal_issuedkey" in sql
            and "retires_at" in sql + str(params)
            and not asked
        ):
            asked.append(sql)
            IssuedKey.objects.filter(pk=key.pk).update(status="revoked", revoked_at=clock())
        return result

    note_status_changes([1])
    with connection.execute_wrapper(end_it):
        publish_status_lists()
    assert asked
    assert ones() == 1
