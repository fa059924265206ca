"""Roles, leaving, and handing ownership over."""

from typing import Any

import pytest
from django.test import Client

from portal.models import AuditEvent, Membership
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.web.conftest import age_sign_in, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(owner: Membership) -> Membership:
    return MembershipFactory(customer=owner.customer, role="developer", user=UserFactory(name="Dev Eloper"))


@pytest.fixture
def admin(owner: Membership) -> Client:
    return sign_in(MembershipFactory(customer=owner.customer, role="admin").user)


def page_of(member: Membership) -> str:
    return f"/team/members/{member.user.public_id}"


def role_of(member: Membership) -> str:
    return Membership.objects.get(pk=member.pk).role


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_role_is_changed_at_once(browser: Client, member: Membership) -> None:
    dev = sign_in(member.user)
    assert dev.get("/keys/new").status_code == 200
    page = text(browser.post(page_of(member), {"role": "viewer"}, follow=True))
    assert "Dev Eloper is Viewer now." in page
    assert dev.get("/keys/new").status_code == 403


def test_the_same_role_again_changes_nothing(browser: Client, member: Membership) -> None:
    for _ in range(2):
        assert browser.post(page_of(member), {"role": "viewer"}).status_code == 302
    assert AuditEvent.objects.filter(action="member.changed").count() == 1


@pytest.mark.parametrize("role", ["", "emperor", "OWNER"])
def test_a_role_that_is_none_is_refused(browser: Client, member: Membership, role: str) -> None:
    assert browser.post(page_of(member), {"role": role}).status_code == 422
    assert role_of(member) == "developer"


def test_an_admin_neither_makes_nor_unmakes_owners(
    admin: Client, owner: Membership, member: Membership
) -> None:
    assert 'value="owner"' not in text(admin.get(page_of(member)))
    assert admin.post(page_of(member), {"role": "owner"}).status_code == 422
    second = MembershipFactory(customer=owner.customer)
    page = text(admin.get(page_of(second)))
    assert "Only an owner can change or remove an owner." in page
    assert "/remove" not in page
    answer = admin.post(page_of(second), {"role": "viewer"})
    assert (answer.status_code, "Only an owner makes or unmakes owners" in text(answer)) == (403, True)
    answer = admin.post(f"{page_of(second)}/remove", {"form_token": "t", "overlap": "0"})
    assert answer.status_code == 403
    assert admin.get(f"{page_of(member)}/owner").status_code == 403
    assert (role_of(second), role_of(member)) == ("owner", "developer")


def test_the_last_owner_keeps_the_role_and_reads_why(browser: Client, owner: Membership) -> None:
    answer = browser.post(page_of(owner), {"role": "viewer"})
    assert answer.status_code == 409
    assert "A customer needs an owner" in text(answer)
    answer = browser.post("/team/leave")
    assert answer.status_code == 409
    assert "A customer needs an owner" in text(answer)
    assert role_of(owner) == "owner"


def test_a_viewer_leaves_and_is_told_so(owner: Membership) -> None:
    viewer = MembershipFactory(customer=owner.customer, role="viewer")
    browser = sign_in(viewer.user)
    assert f"Leave {owner.customer.name}?" in text(browser.get("/team/leave"))
    assert Membership.objects.filter(pk=viewer.pk).exists()
    browser.post("/team/leave")
    assert not Membership.objects.filter(pk=viewer.pk).exists()
    assert browser.get("/team").templates[0].name == "portal/no_customer.html"
    assert AuditEvent.objects.get(action="member.removed").actor == f"user {viewer.user.public_id}"


def test_leaving_is_meant_for_the_customer_whose_page_it_was(owner: Membership) -> None:
    here = MembershipFactory(customer=owner.customer, role="viewer")
    there = MembershipFactory(user=here.user, customer=CustomerFactory(name="Zulu"), role="viewer")
    browser = sign_in(here.user)
    browser.get("/team", {"customer": there.customer.public_id})
    browser.post("/team/leave", {"customer": owner.customer.public_id})
    assert Membership.objects.filter(user=here.user).get() == there
    assert browser.post("/team/leave", {"customer": owner.customer.public_id}).status_code == 404


def hand_over(browser: Client, heir: Membership, name: str) -> Any:
    path = f"{page_of(heir)}/owner"
    form = browser.get(path).context["form"]
    return browser.post(path, {"form_token": form.initial["form_token"], "typed_name": name})


def test_ownership_is_handed_over_by_typing_the_name(
    browser: Client, owner: Membership, member: Membership
) -> None:
    answer = hand_over(browser, member, f" {owner.customer.name} ")
    assert answer.status_code == 302
    assert (role_of(member), role_of(owner)) == ("owner", "admin")
    page = text(browser.get("/team"))
    assert f"Dev Eloper owns {owner.customer.name} now, and you are an admin." in page


@pytest.mark.parametrize("name", ["", "another", "Customer", "{lower}", "{name}."])
def test_another_name_hands_over_nothing(
    browser: Client, owner: Membership, member: Membership, name: str
) -> None:
    right = owner.customer.name
    answer = hand_over(browser, member, name.format(lower=right.lower(), name=right))
    assert answer.status_code == 422
    assert f"type “{right}”, exactly so" in answer.content.decode()
    assert role_of(owner) == "owner"


def test_handing_over_twice_answers_alike(browser: Client, owner: Membership, member: Membership) -> None:
    path = f"{page_of(member)}/owner"
    token = browser.get(path).context["form"].initial["form_token"]
    for _ in range(2):
        answer = browser.post(path, {"form_token": token, "typed_name": owner.customer.name})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/team")
    assert AuditEvent.objects.filter(action="ownership.transferred").count() == 1


def test_handing_over_asks_for_a_recent_sign_in(
    browser: Client, owner: Membership, member: Membership
) -> None:
    path = f"{page_of(member)}/owner"
    age_sign_in(browser)
    for answer in (
        browser.get(path),
        browser.post(path, {"form_token": "t", "typed_name": owner.customer.name}),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=%2Fteam%2Fmembers%2F")
    assert role_of(owner) == "owner"


def test_the_owner_is_no_heir_of_their_own(browser: Client, owner: Membership) -> None:
    assert "/owner" not in text(browser.get(page_of(owner)))
    assert hand_over(browser, owner, owner.customer.name).status_code == 409
    assert role_of(owner) == "owner"
