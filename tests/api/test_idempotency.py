from collections.abc import Callable
from typing import Any

import pytest

from portal.core.process import this_process
from portal.models import Customer, IdempotencyRecord, IssuedKey, Membership, Operation
from tests.conftest import Api, Clock, token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def body(owner: Membership) -> dict[str, Any]:
    return {"customer": owner.customer.public_id, "user": owner.user.email, "name": "once"}


def test_a_repeat_gets_the_same_answer_secret_included(api: Api, body: dict[str, Any]) -> None:
    first = api.post("/keys", body, idempotency_key="a")
    again = api.post("/keys", body, idempotency_key="a")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Cache-Control"] == "no-store"
    assert IssuedKey.objects.count() == 1


def test_the_record_keeps_no_secret_in_clear(api: Api, body: dict[str, Any]) -> None:
    secret = api.post("/keys", body, idempotency_key="a").json()["secret"]
    assert secret not in str(IdempotencyRecord.objects.values().get())


def test_member_order_does_not_count(api: Api, body: dict[str, Any]) -> None:
    first = api.post("/keys", body, idempotency_key="a")
    again = api.post("/keys", dict(reversed(body.items())), idempotency_key="a")
    assert first.json() == again.json()


def test_another_body_is_a_mismatch(api: Api, body: dict[str, Any]) -> None:
    api.post("/keys", body, idempotency_key="a")
    other = api.post("/keys", {**body, "name": "other"}, idempotency_key="a")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_another_caller_or_path_is_another_request(api: Api, body: dict[str, Any], owner: Membership) -> None:
    first = api.post("/keys", body, idempotency_key="a").json()
    other = Api(token_for(owner.user, customer=owner.customer)).post("/keys", body, idempotency_key="a")
    assert other.status_code == 201
    assert other.json()["id"] != first["id"]
    assert api.post("/customers", {"name": "x"}, idempotency_key="a").status_code == 201


def test_after_a_day_the_key_is_free_again(api: Api, body: dict[str, Any], clock: Clock) -> None:
    first = api.post("/keys", body, idempotency_key="a").json()
    clock.advance(hours=24)
    assert api.post("/keys", body, idempotency_key="a").json()["id"] != first["id"]


def test_refusals_are_repeated(api: Api) -> None:
    first = api.post("/customers", {"name": "x", "external_id": "taken"})
    assert first.status_code == 201
    refused = api.post("/customers", {"name": "y", "external_id": "taken"}, idempotency_key="a")
    Customer.objects.update(external_id="free")
    again = api.post("/customers", {"name": "y", "external_id": "taken"}, idempotency_key="a")
    assert (refused.status_code, refused.json()["code"]) == (409, "external_id_taken")
    assert (again.status_code, again.json()) == (409, refused.json())
    assert again.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"])
def test_malformed_idempotency_keys_are_refused(api: Api, body: dict[str, Any], key: str) -> None:
    answer = api.post("/keys", body, idempotency_key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert IssuedKey.objects.count() == 0


def _lose_the_answer(owner: str) -> None:
    """What a process leaves that dies after the change and before its answer."""
    IdempotencyRecord.objects.update(status=None, sealed_answer="", owner=owner)


def test_a_repeat_waits_its_turn_while_the_first_runs(api: Api, body: dict[str, Any]) -> None:
    api.post("/keys", body, idempotency_key="a")
    _lose_the_answer(this_process())
    IdempotencyRecord.objects.update(
        lease_until=IdempotencyRecord.objects.get().created_at.replace(year=2100)
    )
    answer = api.post("/keys", body, idempotency_key="a")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")


def test_a_repeat_takes_over_from_a_dead_process(api: Api, body: dict[str, Any]) -> None:
    from portal.models import User
    from portal.services.keys.request import request_key

    # The change is committed as by a process that then died: nothing ran the operation.
    dead = f"{this_process().rsplit(' ', 1)[0]} 1"
    first = api.post("/customers", {"name": "warm up"}, idempotency_key="w")
    assert first.status_code == 201
    user = User.objects.get(email=body["user"])
    customer = Customer.objects.get(public_id=body["customer"])
    from portal.core.actor import SYSTEM

    operation = request_key(SYSTEM, customer.pk, user=user, name="once")
    Operation.objects.update(owner=dead)
    record = IdempotencyRecord.objects.get()
    IdempotencyRecord.objects.create(
        caller=record.caller,
        method="POST",
        path="/api/v1/keys",
        key="a",
        owner=dead,
        operation=operation,
        body_digest=_digest(body),
        lease_until=record.created_at.replace(year=2100),
    )
    IssuedKey.objects.update(created_by=record.caller)
    answer = api.post("/keys", body, idempotency_key="a")
    assert answer.status_code == 201, answer.content
    assert answer.json()["secret"]
    assert IssuedKey.objects.count() == 1


def _digest(body: dict[str, Any]) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def test_reveal_and_introspect_ignore_the_header(api: Api, issue: Callable[..., dict[str, Any]]) -> None:
    key = issue()
    assert api.post(f"/keys/{key['id']}/reveal", idempotency_key="x" * 300).status_code == 410
