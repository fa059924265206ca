from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.clock import now
from portal.models import IssuedKey, Membership, Operation, PluginState, ScheduledJob, SigningKey, WorkerSeen
from portal.services.operations.queue import new_operation
from tests.admin.conftest import Admin, make_key, text_of
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]
QUERIES = 23
"""Session, user, seven cards, five panels, the newest entries and whom they name."""


def operation_of(membership: Membership, **fields: Any) -> Operation:
    operation = new_operation(
        Operation.Kind.PROVISION, "kong-gateway", membership.customer, user=membership.user
    )
    Operation.objects.filter(pk=operation.pk).update(**fields)
    return operation


def overview(admin: Admin) -> str:
    return text_of(admin.get(""))


def test_cards_count_and_lead_to_just_those_rows(admin: Admin, owner: Membership) -> None:
    CustomerFactory(status="pending", name="Newcomer Ltd")
    operation_of(owner, state="needs_attention", run_after=None)
    operation_of(owner, state="retrying")
    shown = overview(admin)
    for text in ("Active customers 1", "To approve 1", "Wait for a person 1", "Failing 1"):
        assert text in shown
    page = admin.get("").content.decode()
    for query in ("?status__exact=pending", "?soon=expiring", "?look=stopped", "?look=failing"):
        assert query in page


def test_expiring_keys_lead_to_exactly_those(admin: Admin, owner: Membership, clock: Clock) -> None:
    soon, later, gone = (make_key(owner, name) for name in ("soon", "later", "gone"))
    for key, days in ((soon, 6), (later, 8), (gone, -1)):
        IssuedKey.objects.filter(pk=key.pk).update(expires_at=clock() + timedelta(days=days))
    assert "Expire in 7 days 1" in overview(admin)
    listed = text_of(admin.get("portal/issuedkey/", soon="expiring"))
    assert soon.public_id in listed
    assert later.public_id not in listed
    assert gone.public_id not in listed


def test_keys_are_listed_by_unfetched_secret_and_by_replacement(admin: Admin, owner: Membership) -> None:
    fetched, waiting, replaced = (make_key(owner, name) for name in ("fetched", "waiting", "replaced"))
    IssuedKey.objects.filter(pk=fetched.pk).update(sealed_secret="", revealed_at=now())
    IssuedKey.objects.filter(pk=replaced.pk).update(
        sealed_secret="", revealed_at=now(), retires_at=now() + timedelta(hours=1)
    )
    for soon, key in (("unrevealed", waiting), ("replaced", replaced)):
        listed = text_of(admin.get("portal/issuedkey/", soon=soon))
        assert [k for k in (fetched, waiting, replaced) if k.public_id in listed] == [key]


def test_each_troubled_operation_says_since_when_and_what_to_do(
    admin: Admin, owner: Membership, clock: Clock
) -> None:
    hour_ago = clock() - timedelta(hours=1)
    operation_of(owner, state="needs_attention", run_after=None, error_code="plugin_not_enabled",
                 error_detail="The plugin is gone.", failing_since=hour_ago)  # fmt: skip
    operation_of(owner, run_after=hour_ago)
    operation_of(owner, state="retrying", error_code="busy", error_detail="Kong is busy.",
                 run_after=clock() + timedelta(minutes=1), failing_since=hour_ago)  # fmt: skip
    shown = overview(admin)
    assert "Needs attention 1 hour ago The plugin is gone. Put the plugin back into" in shown
    assert "Stuck" in shown
    assert "No worker takes it up" in shown
    assert "Retrying 1 hour ago Kong is busy. Nothing yet: it is tried again by itself" in shown


def test_an_operation_due_for_long_is_stuck(admin: Admin, owner: Membership, clock: Clock) -> None:
    fresh = operation_of(owner, run_after=clock() - timedelta(minutes=9))
    old = operation_of(owner, run_after=clock() - timedelta(minutes=11))
    listed = admin.get("portal/operation/", look="stuck").content.decode()
    assert f"/operation/{old.pk}/change/" in listed
    assert f"/operation/{fresh.pk}/change/" not in listed
    assert "All provisioning" not in overview(admin)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (None, "Never looked at"),
        ({"checked_at": timedelta(0)}, "Healthy"),
        ({"checked_at": timedelta(hours=2)}, "Look is old"),
        (
            {"checked_at": timedelta(0), "problems": [{"code": "no_url", "detail": "The URL is wrong."}]},
            "1 problem Looked at just now The URL is wrong. Mend this",
        ),
        (
            {
                "checked_at": timedelta(0),
                "reconciled_at": timedelta(0),
                "drift": [{"kind": "missing", "key": "", "external_id": "x", "detail": "gone"}],
            },
            "1 difference, compared just now. Open the plugin to see what differs",
        ),
    ],
)
def test_a_plugins_state_is_what_a_worker_stored(
    admin: Admin, clock: Clock, fields: dict[str, Any] | None, shown: str
) -> None:
    if fields is not None:
        at = {
            name: clock() - value if isinstance(value, timedelta) else value for name, value in fields.items()
        }
        PluginState.objects.create(plugin="jwt", **at)
    assert shown in overview(admin)


def test_workers_are_counted(admin: Admin, clock: Clock) -> None:
    assert "None running None was ever seen" in overview(admin)
    WorkerSeen.objects.create(process="a", seen_at=clock())
    WorkerSeen.objects.create(process="b", seen_at=clock() - timedelta(seconds=20))
    WorkerSeen.objects.create(process="c", seen_at=clock() - timedelta(minutes=2))
    assert "2 running Last sign of life just now" in overview(admin)
    clock.advance(minutes=5)
    assert "None running Last seen 5" in overview(admin).replace("\xa0", " ")


def test_scheduled_work_shows_its_last_and_next_run(admin: Admin, clock: Clock) -> None:
    in_an_hour, hour_ago = clock() + timedelta(hours=1), clock() - timedelta(hours=1)
    ScheduledJob.objects.create(name="reconcile", finished_at=hour_ago, run_after=in_an_hour)
    ScheduledJob.objects.create(name="mail", finished_at=hour_ago, run_after=in_an_hour, error="OSError")
    ScheduledJob.objects.create(name="purge", finished_at=hour_ago, run_after=hour_ago)
    shown = overview(admin).replace("\xa0", " ")
    assert "Compare providers 1 hour ago, next in 1 hour" in shown
    assert "It ended with OSError" in shown
    assert "Late" in shown


def test_the_next_planned_rotation_is_told(admin: Admin, clock: Clock) -> None:
    SigningKey.objects.filter(state="active").update(activated_at=clock() - timedelta(days=80))
    assert "Next planned rotation in 1 week" in overview(admin).replace("\xa0", " ")
    SigningKey.objects.filter(state="active").update(activated_at=clock() - timedelta(days=100))
    assert "overdue" in overview(admin)


def test_everybody_sees_what_they_may(staff_with: StaffWith, issued: IssuedKey) -> None:
    shown = overview(staff_with("view_operation"))
    assert "Operations that need a look" in shown
    assert "Keys expiring soon" not in shown
    assert "Recent activity" not in shown


def test_the_overview_takes_as_many_queries_for_much_as_for_little(admin: Admin) -> None:
    counted = []
    for rows in (2, 12):
        for _ in range(rows):
            owner = MembershipFactory()
            key = make_key(owner)
            IssuedKey.objects.filter(pk=key.pk).update(expires_at=now() + timedelta(days=3))
            for state in ("needs_attention", "retrying", "queued"):
                operation_of(owner, state=state)
            ScheduledJob.objects.get_or_create(name=f"job{rows}")
        admin.get("")
        with CaptureQueriesContext(connection) as queries:
            admin.get("")
        counted.append(len(queries))
    assert counted[1] <= counted[0]
    assert counted[0] <= QUERIES
    assert all("LIMIT" in query["sql"] for query in queries if "COUNT(" in query["sql"])
