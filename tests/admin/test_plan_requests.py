"""Staff approve and decline what customers ask for."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.models import Membership, Plan, PlanRequest
from portal.services.plan_requests import ask_for_plan
from portal.services.plans import effective_plan
from tests.admin.conftest import Admin, make_key, text_of
from tests.factories import MembershipFactory, PlanFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


def asked(owner: Membership, plan: Plan | None = None) -> PlanRequest:
    plan = plan or PlanFactory(name="Pro")
    return ask_for_plan(
        SYSTEM, owner.customer_id, plan=plan.slug, asked_by=owner.user, note="We go live in May."
    )


def buttons(admin: Admin, request: PlanRequest) -> set[str]:
    page = admin.get(f"portal/planrequest/{request.pk}/change/").content.decode()
    return {name for name in ("approve", "decline") if f"/act/{name}/" in page}


def test_a_request_tells_what_staff_need_to_decide(admin: Admin, owner: Membership) -> None:
    for name in ("one", "two"):
        make_key(owner, name)
    request = asked(owner, PlanFactory(name="Pro", max_keys=1))
    told = text_of(admin.get(f"portal/planrequest/{request.pk}/change/"))
    for words in (
        "asks for Pro",
        "Is on: Default",
        "We go live in May.",
        "2 keys are in use and the plan allows 1",
    ):
        assert words in told
    assert "those that exist stay" in text_of(admin.get(f"portal/planrequest/{request.pk}/act/approve/"))


def test_a_request_is_approved_with_a_word(admin: Admin, owner: Membership) -> None:
    request = asked(owner)
    assert f"{owner.customer.name} asks for Pro: approved." in text_of(
        admin.act("planrequest", request, "approve", answer="Enjoy.")
    )
    request.refresh_from_db()
    assert (request.status, request.answer) == ("approved", "Enjoy.")
    assert effective_plan(owner.customer)[0] == request.plan
    assert buttons(admin, request) == set()


def test_a_request_is_declined_with_a_reason_alone(admin: Admin, owner: Membership) -> None:
    request = asked(owner)
    assert "This field is required" in text_of(admin.act("planrequest", request, "decline", answer=" "))
    admin.act("planrequest", request, "decline", answer="Not before May.")
    request.refresh_from_db()
    assert (request.status, request.answer) == ("declined", "Not before May.")
    again = text_of(admin.act("planrequest", request, "approve"))
    assert "answered or withdrawn before" in again


def test_many_are_approved_at_once_and_one_refusal_stops_none(admin: Admin) -> None:
    requests = [asked(MembershipFactory()) for _ in range(3)]
    admin.act("planrequest", requests[0], "decline", answer="No.")
    told = text_of(admin.choose("planrequest", "approve", *requests, confirmed=True))
    assert "2 approved, 1 refused" in told
    assert list(PlanRequest.objects.order_by("id").values_list("status", flat=True)) == [
        "declined", "approved", "approved",
    ]  # fmt: skip


def test_the_overview_counts_what_waits(admin: Admin, owner: Membership) -> None:
    request = asked(owner)
    assert "Plans asked for 1" in text_of(admin.get(""))
    listed = admin.get("portal/planrequest/", status__exact="asked")
    assert f"/planrequest/{request.pk}/change/" in listed.content.decode()
    admin.act("planrequest", request, "approve")
    assert "Plans asked for 0" in text_of(admin.get(""))


def test_looking_is_not_deciding(staff_with: StaffWith, owner: Membership) -> None:
    request = asked(owner)
    viewer, nobody, decider = (
        staff_with("view_planrequest"),
        staff_with("view_customer"),
        staff_with("view_planrequest", "decide_planrequest"),
    )
    assert buttons(viewer, request) == set()
    assert viewer.act("planrequest", request, "approve").status_code == 403
    assert nobody.get("portal/planrequest/").status_code == 403
    assert "Plans asked for" not in text_of(nobody.get(""))
    request.refresh_from_db()
    assert request.status == "asked"
    assert buttons(decider, request) == {"approve", "decline"}
    assert decider.act("planrequest", request, "approve").status_code == 200
    request.refresh_from_db()
    assert request.status == "approved"


def test_requests_are_found_by_customer(admin: Admin, owner: Membership) -> None:
    mine, other = asked(owner), asked(MembershipFactory())
    listed: Any = admin.get("portal/planrequest/", q=owner.customer.public_id).content.decode()
    assert f"/planrequest/{mine.pk}/change/" in listed
    assert f"/planrequest/{other.pk}/change/" not in listed
