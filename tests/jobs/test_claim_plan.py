"""Claiming costs about the same however much is due, for one plugin or many."""

from typing import Any

import pytest
from django.db import connection

from portal.jobs.claim import claim_operation
from portal.models import Operation
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def test_two_thousand_due_operations_of_one_customer_are_not_compared_with_each_other() -> None:
    """SQLite looks up a customer's turn in an index; a partial one it would not take."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by statistics")
    customer = CustomerFactory()
    Operation.objects.bulk_create(
        Operation(kind="provision", plugin="remote", customer=customer) for _ in range(2000)
    )
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert claim_operation() is not None
    ((sql, params),) = [(sql, params) for sql, params in asked if "EXISTS(" in sql]
    with connection.cursor() as cursor:
        plan = [row[-1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
    looks = [step for step in plan if " U0 " in step]
    assert len(looks) == 2, plan
    assert all("operation_turns (customer_id=? AND plugin=? AND state=?" in look for look in looks), plan


def test_plugins_that_are_left_out_wait_and_the_others_do_not() -> None:
    slow, fast = (
        Operation.objects.create(kind="provision", plugin=plugin, customer=CustomerFactory())
        for plugin in ("slow", "fast")
    )
    assert claim_operation(without=["slow", "fast"]) is None
    assert claim_operation(without=["slow"]) == fast
    assert claim_operation(without=["slow"]) is None
    assert claim_operation() == slow
