"""Limits under real concurrency: many threads, each with its own connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from portal.models import IssuedKey
from tests.conftest import Api, token_for
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def together(count: int, call, *, threads: int = 20) -> list:  # type: ignore[no-untyped-def,type-arg]
    def run(number: int):  # type: ignore[no-untyped-def]
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(count)))


def test_two_hundred_requests_against_a_limit_of_five_give_five() -> None:
    owner = MembershipFactory()
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(max_keys=5))
    token = token_for(UserFactory(is_staff=True, is_superuser=True))
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "rush"}

    answers = together(200, lambda n: Api(token).post("/keys", body))

    codes = [answer.status_code for answer in answers]
    assert codes.count(201) == 5
    assert codes.count(409) == 195
    assert IssuedKey.objects.filter(status="active").count() == IssuedKey.objects.count() == 5
    assert len({answer.json()["secret"] for answer in answers if answer.status_code == 201}) == 5


def test_one_idempotency_key_from_many_threads_makes_one_key() -> None:
    owner = MembershipFactory()
    token = token_for(UserFactory(is_staff=True, is_superuser=True))
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "rush"}

    answers = together(40, lambda n: Api(token).post("/keys", body, idempotency_key="one"))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["secret"] for answer in answers if answer.status_code == 201}) == 1
    assert IssuedKey.objects.count() == 1


def test_many_reveals_show_the_secret_once() -> None:
    from portal.core.actor import SYSTEM
    from portal.core.errors import Gone
    from portal.jobs.run import run_inline
    from portal.services.actors import actor_of_user
    from portal.services.keys.request import request_key
    from portal.services.keys.reveal import reveal_key

    owner = MembershipFactory()
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="rush")
    run_inline(operation)
    actor = actor_of_user(owner.user)

    def reveal(number: int) -> str | None:
        try:
            return str(reveal_key(actor, operation.key_id))
        except Gone:
            return None

    assert len([secret for secret in together(20, reveal) if secret]) == 1


def test_a_customer_keeps_an_owner_when_two_leave_at_once() -> None:
    from portal.core.actor import SYSTEM
    from portal.core.errors import Conflict
    from portal.models import Membership
    from portal.services.members import remove_member

    first = MembershipFactory()
    second = MembershipFactory(customer=first.customer)

    def leave(number: int) -> bool:
        try:
            remove_member(SYSTEM, first.customer_id, (first, second)[number].user_id)
        except Conflict:
            return False
        return True

    assert sorted(together(2, leave)) == [False, True]
    assert Membership.objects.filter(customer=first.customer, role="owner").count() == 1


def test_revoking_and_issuing_at_once_leaves_no_key_alive() -> None:
    """A customer that is suspended while keys are being issued has no usable key afterwards."""
    from portal.core.actor import SYSTEM
    from portal.services.customers import update_customer

    owner = MembershipFactory()
    token = token_for(UserFactory(is_staff=True, is_superuser=True))
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "rush"}

    def act(number: int) -> int:
        if number == 10:
            update_customer(SYSTEM, owner.customer_id, {"status": "suspended"})
            return 0
        return int(Api(token).post("/keys", body).status_code)

    codes = set(together(30, act, threads=8))
    assert codes <= {0, 201, 202, 409}
    assert not IssuedKey.objects.filter(status__in=["active", "requested", "revoking"]).exists()
