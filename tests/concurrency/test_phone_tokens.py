"""Phone tokens that are asked for at once: limits, transactions, and what works beside them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from portal.core.clock import set_clock
from portal.core.errors import Conflict, TooMany
from portal.core.limits import Limit, parse_limit
from portal.core.phone_numbers import PhoneNumber, parse_phone_number
from portal.core.token_service import TokenService
from portal.models import AdmissionCount, AdmissionSlot, PhoneToken
from portal.services.admissions import Subject, admit
from portal.services.phone_tokens import Request, check_phone_token, issue_phone_token
from portal.services.purge import purge
from portal.services.sealing import BATCH, rotate_sealing_key
from tests.concurrency.test_deletion import waiting_for_locks
from tests.concurrency.test_limits import together
from tests.conftest import Clock
from tests.factories import PhoneTokenFactory
from tests.real.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
WIDE = "100000/minute"
ADDRESS = "192.0.2.1"


def service(rate: str = WIDE, phone_rate: str = WIDE) -> TokenService:
    return TokenService("acme", b"k" * 32, parse_limit(rate), parse_limit(phone_rate))


def number(last: int) -> PhoneNumber:
    found = parse_phone_number(f"1555555{last:04d}")
    assert found is not None
    return found


def outcome(call: Callable[[TokenService, Request], object], *asked: object) -> str:
    """``ok``, or the refusal's code."""
    try:
        call(*asked)
    except (Conflict, TooMany) as refusal:
        return refusal.code
    return "ok"


def with_a_connection(work: Callable[[], object]) -> None:
    """What a thread does: its connection is closed afterwards."""
    try:
        work()
    finally:
        connection.close()


def outcomes(count: int, call: Callable[[int], str]) -> Counter[str]:
    return Counter(together(count, call, threads=40))


@pytest.mark.parametrize("limited", ["address", "number"])
@pytest.mark.parametrize("call", [issue_phone_token, check_phone_token])
def test_two_hundred_at_once_against_a_limit_of_twenty_are_twenty(
    limited: str, call: Callable[[TokenService, Request], object]
) -> None:
    by_address = limited == "address"
    limits = service("20/minute", WIDE) if by_address else service(WIDE, "20/minute")

    def ask(turn: int) -> str:
        asked = (
            Request(number(turn), None, ADDRESS)
            if by_address
            else Request(number(0), None, f"192.0.2.{turn}")
        )
        return outcome(call, limits, asked)

    refused = "too_many_requests" if by_address else "too_many_for_number"
    assert outcomes(200, ask) == {"ok": 20, refused: 180}
    assert PhoneToken.objects.count() == (20 if call is issue_phone_token else 0)


def test_heads_and_gets_share_one_limit() -> None:
    limits = service("20/minute")

    def ask(turn: int) -> str:
        call = check_phone_token if turn % 2 else issue_phone_token
        return outcome(call, limits, Request(number(turn), None, ADDRESS))

    assert outcomes(100, ask)["ok"] == 20


def test_no_second_of_several_holds_more_than_its_limit() -> None:
    """Against the real clock: the instants are those that were decided by."""
    subject, last_read = Subject("rush", Limit(20, timedelta(seconds=1))), threading.local()
    began = time.monotonic()

    def read() -> datetime:
        last_read.at = datetime.now(UTC)
        return last_read.at

    def come(turn: int) -> list[float]:
        admitted = []
        while time.monotonic() < began + 3:
            with transaction.atomic():
                refused = admit([subject])
                transaction.set_rollback(bool(refused))
            if not refused:
                admitted.append(last_read.at.timestamp())
        connection.close()
        return admitted

    set_clock(read)
    try:
        with ThreadPoolExecutor(8) as pool:
            instants = sorted(itertools.chain(*pool.map(come, range(8))))
    finally:
        set_clock(None)
    for earlier, later in zip(instants, instants[20:], strict=False):
        assert later - earlier >= 1 - 1e-6  # as precise as a float is today
    assert len(instants) >= 40  # two full seconds at least


def test_who_waits_for_a_turn_counts_from_the_turn_on(clock: Clock) -> None:
    """Counted from before the wait, the last window's callers and the next one's would meet in one."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite waits before it reads anything")
    subject = Subject("late", parse_limit("20/minute"))

    def come() -> None:
        with transaction.atomic():
            assert admit([subject]) == {}

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert admit([subject]) == {}
            waiting = pool.submit(with_a_connection, come)
            eventually(waiting_for_locks, "the second waits for the first")
            clock.advance(seconds=30)
        waiting.result(30)
    ends = sorted(AdmissionSlot.objects.values_list("free_at", flat=True))
    assert ends == [clock().timestamp() + 30, clock().timestamp() + 60]


def test_of_two_numbers_that_begin_one_transaction_one_wins() -> None:
    for attempt in range(10):
        xid = f"order-{attempt}"

        def ask(turn: int, xid: str = xid) -> str:
            return outcome(
                issue_phone_token, service(), Request(number(turn % 8), xid, f"192.0.2.{turn % 8}")
            )

        found = outcomes(16, ask)
        assert found == {"ok": 2, "xid_taken": 14}
        records = PhoneToken.objects.filter(xid=xid)
        assert len({record.e164 for record in records}) == 1
        assert sorted(record.ordinal for record in records) == [1, 2]


def test_a_transactions_tokens_are_numbered_one_by_one() -> None:
    def ask(turn: int) -> str:
        call = check_phone_token if turn % 4 == 3 else issue_phone_token
        return outcome(call, service(), Request(number(0), "order-1", f"192.0.2.{turn}"))

    assert outcomes(80, ask) == {"ok": 80}
    assert sorted(PhoneToken.objects.values_list("ordinal", flat=True)) == list(range(1, 61))


def test_addresses_and_numbers_that_meet_in_every_order_never_block_each_other() -> None:
    def ask(turn: int) -> str:
        address, last = divmod(turn * 7919 % 25, 5)
        return outcome(
            issue_phone_token, service(), Request(number(last), f"x{turn % 9}-{last}", f"192.0.2.{address}")
        )

    assert outcomes(300, ask) == {"ok": 300}


def test_a_purge_beside_the_callers_stops_nobody() -> None:
    """Every subject's rows are past their time when it comes back: purge and caller want the same."""
    stop = threading.Event()

    def keep_purging() -> None:
        while not stop.is_set():
            purge()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        purging = pool.submit(keep_purging)
        try:
            for _ in range(5):
                found = outcomes(
                    60,
                    lambda turn: outcome(
                        issue_phone_token, service(), Request(number(turn % 5), None, f"192.0.2.{turn % 3}")
                    ),
                )
                assert found == {"ok": 60}
                AdmissionCount.objects.update(free_at=1)
                AdmissionSlot.objects.update(free_at=1)
        finally:
            stop.set()
        purging.result(60)
    assert PhoneToken.objects.count() == 300


def test_a_purge_passes_by_what_a_caller_holds() -> None:
    """Caller: address, then number. A purge that waited for the address would hold the number's row."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    AdmissionCount.objects.bulk_create(
        AdmissionCount(subject=name, number=1, free_at=1) for name in ("phone:1", "address:1")
    )
    subjects = [Subject(name, parse_limit(WIDE)) for name in ("address:1", "phone:1")]

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert admit(subjects[:1]) == {}
        purging = pool.submit(with_a_connection, purge)
        eventually(lambda: purging.done() or waiting_for_locks(), "the purge has met the caller")
        assert admit(subjects[1:]) == {}
        purging.result(30)
    assert AdmissionCount.objects.filter(subject="address:1").exists()


def test_transactions_keep_their_number_while_the_sealing_key_changes(settings: object) -> None:
    """Rotation beside the callers, ended after each of its batches and begun again."""
    for last in range(20):
        issue_phone_token(service(), Request(number(last), f"mine-{last}", ADDRESS))
    PhoneTokenFactory.create_batch(2 * BATCH)
    settings.SEALING_KEYS = ("n" * 40, *settings.SEALING_KEYS)

    def ask(turn: int) -> str:
        if turn % 20 == 0:
            rotate_sealing_key()
            return "rotated"
        wrong = turn % 2
        return outcome(
            issue_phone_token,
            service(),
            Request(number(turn % 20 + 20 * wrong), f"mine-{turn % 20}", ADDRESS),
        )

    assert outcomes(200, ask) == {"rotated": 10, "ok": 90, "xid_taken": 100}
    settings.SEALING_KEYS = settings.SEALING_KEYS[:1]
    for last in range(20):
        found = PhoneToken.objects.of_number(number(last))
        assert {token.xid for token in found} == {f"mine-{last}"}


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_steps_is_followed_at_once(clock: Clock, hours: int) -> None:
    def issued_at() -> list[datetime]:
        token = issue_phone_token(service(), Request(number(0), None, ADDRESS))
        record = PhoneToken.objects.get(xid=token.xid)
        return [record.issued_at, record.expires_at]

    issued_at()
    clock.advance(hours=hours)
    assert issued_at() == [clock() + timedelta(seconds=seconds) for seconds in (-10, 80)]


def test_a_caller_who_never_gets_his_turn_leaves_nothing() -> None:
    """Whoever is refused for the number takes back what was counted at the address."""
    limits = service("20/minute", "5/minute")

    def ask(turn: int) -> str:
        return outcome(issue_phone_token, limits, Request(number(turn % 2), None, ADDRESS))

    assert outcomes(60, ask) == {"ok": 10, "too_many_for_number": 50}
    with suppress(TooMany):
        check_phone_token(limits, Request(number(0), None, ADDRESS))
    assert AdmissionCount.objects.get(subject__startswith="address").number == 10
