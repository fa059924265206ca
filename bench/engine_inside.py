"""What ``bench.engine`` does inside a portal's own environment: ``python -m bench.engine_inside TASK N``."""

import json
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")


def queue_keys(count: int, each: int = 1) -> None:
    """Requests for ``each`` keys of ``count`` customers; a customer's operations run one at a time."""
    from portal.core.actor import SYSTEM
    from portal.services.keys.request import request_key

    for membership in _members(count):
        for _ in range(each):
            request_key(SYSTEM, membership.customer_id, user=membership.user, name="bench")


def queue_provisioning(count: int) -> None:
    from portal.core.actor import SYSTEM
    from portal.services.operations.queue import request_provisioning

    for membership in _members(count):
        request_provisioning(SYSTEM, membership.customer_id, user=membership.user, plugin=None)


def run_queued() -> None:
    """Claim and run what is due, one after another; prints the milliseconds of each."""
    from portal.jobs.claim import claim_operation
    from portal.jobs.run import run_operation

    times = []
    while True:
        started = time.perf_counter()
        operation = claim_operation()
        if operation is None:
            break
        run_operation(operation)
        times.append((time.perf_counter() - started) * 1000)
    print(json.dumps(times))


def seconds_to_drain() -> None:
    """Wait until nothing is open; prints the seconds from the first end to the last."""
    from django.db.models import Max, Min

    from portal.models import Operation

    while Operation.objects.filter(state__in=[*Operation.OPEN, "needs_attention"]).exists():
        time.sleep(0.2)
    ends = Operation.objects.aggregate(first=Min("finished_at"), last=Max("finished_at"))
    print((ends["last"] - ends["first"]).total_seconds())


def _members(count: int):  # memberships
    from portal.core.actor import SYSTEM
    from portal.models import Membership
    from portal.services.customers import create_customer
    from portal.services.members import add_member

    for number in range(count):
        customer = create_customer(SYSTEM, name=f"Bench {number}")
        add_member(SYSTEM, customer.pk, email=f"ada{number}@example.com", name="", role="owner")
        yield Membership.objects.select_related("user").get(customer=customer)


if __name__ == "__main__":
    import django

    django.setup()
    globals()[sys.argv[1]](*map(int, sys.argv[2:]))
