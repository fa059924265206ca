"""Processes that add to the same customers' days lose no count and never wait for each other in a ring."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from portal.models import Customer, DailyUse, IssuedKey
from portal.services.daily_use import DailyUses
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES = 6
ROUNDS = 15


def test_no_process_overwrites_anothers_counts() -> None:
    customers: list[Customer] = CustomerFactory.create_batch(8)
    together = threading.Barrier(PROCESSES)

    def process(number: int) -> None:
        uses, order = DailyUses(), customers.copy()
        try:
            for _ in range(ROUNDS):
                random.Random(number).shuffle(order)
                for customer in order:
                    uses.count(IssuedKey(customer=customer))
                together.wait(60)
                uses.flush()
        finally:
            connection.close()

    with ThreadPoolExecutor(PROCESSES) as pool:
        for done in [pool.submit(process, number) for number in range(PROCESSES)]:
            done.result(60)
    assert list(DailyUse.objects.values_list("verifications", flat=True)) == [PROCESSES * ROUNDS] * 8
