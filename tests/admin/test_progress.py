from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import IssuedKey, Membership, Operation
from provisioning.errors import Misconfigured, Rejected, Transient
from tests.admin.conftest import Admin, text_of, work
from tests.conftest import Clock
from tests.provisioning.acme import AcmeProvider

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


@pytest.fixture
def asked(admin: Admin, owner: Membership, acme: AcmeProvider, clock: Clock) -> Operation:
    """Staff have pressed "Issue key" and chosen the plugin; no worker has taken it up."""
    values = {"user": owner.user_id, "name": "production", "plugin": "acme"}
    answer = admin.act("customer", owner.customer, "issue_key", **values)
    operation = Operation.objects.get()
    assert answer.redirect_chain[-1][0].endswith(f"/operation/{operation.pk}/progress/")
    return operation


def look(admin: Admin, operation: Operation) -> str:
    answer = admin.get(f"portal/operation/{operation.pk}/progress/part/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return str(answer.content.decode())


def told(admin: Admin, operation: Operation) -> str:
    return text_of(admin.get(f"portal/operation/{operation.pk}/progress/part/"))


def test_the_plugin_is_chosen_where_there_are_several(
    admin: Admin, owner: Membership, acme: AcmeProvider
) -> None:
    for action in ("issue_key", "provision"):
        page = admin.get(f"portal/customer/{owner.customer_id}/act/{action}/").content.decode()
        assert '<option value="acme">' in page
    answer = admin.act("customer", owner.customer, "provision", user=owner.user_id, plugin="acme")
    assert "Waiting for a worker" in text_of(answer)
    assert Operation.objects.get().plugin == "acme"


def test_the_page_looks_again_until_it_has_ended(admin: Admin, asked: Operation) -> None:
    page = admin.get(f"portal/operation/{asked.pk}/progress/")
    html = page.content.decode()
    assert f'data-live="/admin/portal/operation/{asked.pk}/progress/part/"' in html
    assert 'aria-live="polite"' in html
    assert "portal/admin/progress" in html
    assert '<a href="">Refresh</a>' in html
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "data-ended" not in look(admin, asked)
    work()
    assert "data-ended" in look(admin, asked)
    page = admin.get(f"portal/operation/{asked.pk}/progress/").content.decode()
    assert "Refresh" not in page


def test_from_waiting_to_done(admin: Admin, asked: Operation, owner: Membership) -> None:
    assert "Waiting for a worker" in told(admin, asked)
    assert "No worker is running" in told(admin, asked)
    Operation.objects.update(state="running", owner="w", lease_until=asked.created_at, attempts=2)
    assert "Running at acme, attempt 2" in told(admin, asked)
    Operation.objects.update(state="queued", owner="", lease_until=None)
    work()
    assert "Done" in told(admin, asked)
    key = IssuedKey.objects.get()
    whole = text_of(admin.get(f"portal/operation/{asked.pk}/progress/"))
    assert f"its user reveals it at /keys/{key.public_id}" in whole


def test_a_failure_that_is_tried_again_says_why_and_when(
    admin: Admin, asked: Operation, acme: AcmeProvider
) -> None:
    with acme.failing(Transient("busy", "Acme is busy.")):
        work()
    shown = told(admin, asked)
    assert "Attempt 1 failed; it is tried again by itself" in shown
    assert "Acme is busy." in shown
    assert "Tried again in" in shown
    assert "data-ended" not in look(admin, asked)


@pytest.mark.parametrize(
    ("error", "said", "advice"),
    [
        (Misconfigured("no_permission", "Grant it."), "It needs a person", "press Retry"),
        (Rejected("refused", "Acme refused."), "acme refused", "Nothing exists at the provider"),
    ],
)
def test_an_end_that_needs_somebody_says_what_to_do(
    admin: Admin, asked: Operation, acme: AcmeProvider, error: Exception, said: str, advice: str
) -> None:
    with acme.failing(error):
        work()
    shown = told(admin, asked)
    assert said in shown
    assert error.detail in shown  # type: ignore[attr-defined]
    assert advice in shown
    assert "data-ended" in look(admin, asked)


def test_a_local_plugin_has_no_progress_to_show(admin: Admin, owner: Membership, acme: AcmeProvider) -> None:
    answer = admin.act(
        "customer", owner.customer, "issue_key", user=owner.user_id, name="production", plugin="jwt"
    )
    assert answer.redirect_chain[-1][0].endswith(f"/customer/{owner.customer_id}/change/")
    assert "issued for" in text_of(answer)


def test_the_operations_own_page_is_live_while_it_is_open(admin: Admin, asked: Operation) -> None:
    assert "data-live" in admin.get(f"portal/operation/{asked.pk}/change/").content.decode()
    work()
    page: Any = admin.get(f"portal/operation/{asked.pk}/change/")
    assert "data-live" not in page.content.decode()
    assert "Succeeded" in text_of(page)


def test_an_operation_far_away_is_looked_at_seldom(admin: Admin, asked: Operation, clock: Clock) -> None:
    assert 'data-pause="1000"' in look(admin, asked)
    clock.advance(hours=-2)
    assert 'data-pause="15000"' in look(admin, asked)
    assert "Begins in 2 hours" in told(admin, asked)


def test_who_may_ask_may_see_how_it_goes(staff_with: StaffWith, asked: Operation) -> None:
    provisioner, stranger = staff_with("provision_customer"), staff_with("view_plan")
    page = provisioner.get(f"portal/operation/{asked.pk}/progress/")
    assert page.status_code == 200
    assert f"/operation/{asked.pk}/change/" not in page.content.decode()
    assert "/act/" not in page.content.decode()
    for path in ("progress/", "progress/part/"):
        assert stranger.get(f"portal/operation/{asked.pk}/{path}").status_code == 403
        assert provisioner.get(f"portal/operation/{asked.pk + 1}/{path}").status_code == 404


def test_a_look_takes_few_queries(admin: Admin, asked: Operation) -> None:
    with CaptureQueriesContext(connection) as queries:
        look(admin, asked)
    assert len(queries) <= 6
