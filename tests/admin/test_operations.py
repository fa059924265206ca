import re
from datetime import timedelta
from typing import Any

import pytest

from portal.admin.advice import BY_CODE, CONFIRM_ABSENT, WHILE_RETRYING, advice
from portal.models import AuditEvent, IssuedKey, Membership, Operation
from tests.admin.conftest import Admin, text_of, work
from tests.admin.test_dashboard import operation_of
from tests.conftest import Clock
from tests.docs.sources import ROOT
from tests.oauth import oauth_key

pytestmark = pytest.mark.django_db


def row(admin: Admin, operation: Operation, **query: Any) -> str:
    """The words of the operation's row in the list."""
    page = admin.get("portal/operation/", **query).content.decode()
    rows = [part for part in page.split("<tr") if f"/operation/{operation.pk}/change/" in part]
    return " ".join(re.sub(r"<[^>]*>", " ", rows[0]).split()).replace("\xa0", " ")


def test_a_row_says_when_it_is_tried_next_and_what_to_do(
    admin: Admin, owner: Membership, clock: Clock
) -> None:
    at = clock() + timedelta(seconds=20)
    operation = operation_of(owner, state="retrying", attempts=3, error_code="settling", run_after=at)
    shown = row(admin, operation)
    assert "Retrying 3 attempts, next in 20 seconds settling Nothing: an answer was lost" in shown
    assert "20 seconds" not in row(admin, operation_of(owner, state="needs_attention", run_after=None))


def test_a_row_tells_stopped_overdue_and_running_apart(admin: Admin, owner: Membership, clock: Clock) -> None:
    ago = clock() - timedelta(hours=1)
    stopped = operation_of(owner, state="needs_attention", run_after=None, error_code="crashed")
    assert "Needs attention not tried by itself crashed Find out why processes die" in row(admin, stopped)
    assert "due 1 hour ago No worker takes it up" in row(admin, operation_of(owner, run_after=ago))
    running = operation_of(owner, state="running", owner="w", lease_until=clock())
    assert "Running –" in row(admin, running)


@pytest.mark.parametrize(
    ("look", "state"), [("stopped", "needs_attention"), ("failing", "retrying"), ("stuck", "queued")]
)
def test_the_list_is_filtered_by_what_needs_a_look(
    admin: Admin, owner: Membership, clock: Clock, look: str, state: str
) -> None:
    for name in ("needs_attention", "retrying", "queued"):
        due = clock() - timedelta(hours=1) if name == "queued" else None
        operation_of(owner, state=name, run_after=due)
    shown = [op.state for op in admin.get("portal/operation/", look=look).context["cl"].result_list]
    assert shown == [state]


def test_the_list_is_filtered_by_state_kind_and_plugin(admin: Admin, issued: IssuedKey) -> None:
    for query in ({"state__exact": "succeeded"}, {"kind__exact": "issue_key"}, {"plugin": "jwt"}):
        assert len(admin.get("portal/operation/", **query).context["cl"].result_list) == 1
    for query in ({"state__exact": "failed"}, {"kind__exact": "revoke_key"}):
        assert "Nothing fits" in text_of(admin.get("portal/operation/", **query))


def test_one_that_failed_for_a_day_says_that_it_is_still_tried(owner: Membership, clock: Clock) -> None:
    operation = operation_of(owner)
    operation.state, operation.run_after, operation.error_code = "needs_attention", clock(), "busy"
    assert advice(operation).startswith("It has failed for a day and is still tried again.")
    operation.run_after = None
    assert advice(operation).startswith("Mend what the error says")


def test_a_removal_that_stopped_says_that_it_is_tried_every_hour(owner: Membership, clock: Clock) -> None:
    operation = operation_of(owner)
    operation.state, operation.kind, operation.run_after = "needs_attention", "revoke_key", clock()
    assert advice(operation).endswith("It is tried again every hour all the same.")
    assert "for a day" not in advice(operation)


@pytest.fixture
def to_confirm(owner: Membership) -> Operation:
    """A revocation that Auth0 lacks a permission for."""
    key = oauth_key(owner, status="revoking")
    return operation_of(
        owner, kind="revoke_key", key=key, plugin="auth0-m2m", state="needs_attention",
        error_code="auth0_revoke_not_permitted",
        error_detail="Delete “Latchkey key-x”, client ID AbC123, in its dashboard, then retry with confirm_absent.",
    )  # fmt: skip


CONFIRMING = "act/retry_absent/"


def test_what_wants_a_confirmation_has_a_button_that_asks_for_it(admin: Admin, to_confirm: Operation) -> None:
    path = f"portal/operation/{to_confirm.pk}"
    page = admin.get(f"{path}/change/")
    assert CONFIRMING in page.content.decode()
    assert f"then press “{CONFIRM_ABSENT}”" in text_of(page)
    asked = text_of(admin.get(f"{path}/{CONFIRMING}"))
    assert "Delete “Latchkey key-x”, client ID AbC123" in asked
    assert "counts as removed" in asked
    unticked = text_of(admin.act("operation", to_confirm, "retry_absent"))
    assert "This field is required" in unticked
    to_confirm.refresh_from_db()
    assert (to_confirm.state, to_confirm.confirmed_absent) == ("needs_attention", False)


def test_confirming_ends_a_removal_without_asking_the_provider(admin: Admin, to_confirm: Operation) -> None:
    assert "is queued" in text_of(admin.act("operation", to_confirm, "retry_absent", looked="on"))
    work()
    to_confirm.refresh_from_db()
    assert to_confirm.state == "succeeded"
    assert to_confirm.key is not None
    assert to_confirm.key.status == "revoked"
    assert AuditEvent.objects.get(action="operation.retried").detail == {"confirmed_absent": True}


def test_what_is_created_anew_says_what_a_mistake_costs(admin: Admin, owner: Membership) -> None:
    lost = operation_of(owner, state="needs_attention", run_after=None, error_code="outcome_unknown")
    told = text_of(admin.get(f"portal/operation/{lost.pk}/{CONFIRMING}"))
    assert "there are two then" in told


@pytest.mark.parametrize(
    "fields", [{"error_code": "auth0_scope_missing"}, {"state": "failed", "error_code": "outcome_unknown"}]
)
def test_what_wants_none_has_no_such_button(
    admin: Admin, owner: Membership, clock: Clock, fields: dict[str, Any]
) -> None:
    stopped = {"state": "needs_attention", "run_after": None, "finished_at": clock(), **fields}
    operation = operation_of(owner, **stopped)
    assert CONFIRMING not in admin.get(f"portal/operation/{operation.pk}/change/").content.decode()


def test_every_state_has_advice(owner: Membership) -> None:
    operation = operation_of(owner)
    for state in Operation.State:
        operation.state = state
        assert bool(advice(operation)) == (state != "succeeded")
    operation.state, operation.cancel_requested = "retrying", True
    assert "being removed" in advice(operation)


def test_advice_is_given_for_codes_that_exist() -> None:
    documented = set(
        re.findall(r"^\| `([a-z0-9_]+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    )
    assert {*BY_CODE, *WHILE_RETRYING} <= documented
