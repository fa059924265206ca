"""The list of members and open invitations: who sees what, searching, paging."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.models import Invitation, Membership, User
from portal.services.actors import actor_of_user
from portal.services.invitations import invite
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
MANAGING = (
    "/team/invite", "/team/members/{member}", "/team/members/{member}/remove", "/team/members/{member}/keys",
    "/team/members/{member}/owner",
)  # fmt: skip
POSTING = ("/team/invitations/{invitation}/resend", "/team/invitations/{invitation}/withdraw")


@pytest.fixture
def member(owner: Membership) -> Membership:
    return MembershipFactory(customer=owner.customer, role="developer", user=UserFactory(name="Dev Eloper"))


@pytest.fixture
def invitation(owner: Membership) -> Invitation:
    return invite(actor_of_user(owner.user), owner.customer_id, email="ada@acme.example", role="developer")


def filled(paths: tuple[str, ...], member: Membership, invitation: Invitation) -> list[str]:
    ids = {"member": member.user.public_id, "invitation": invitation.public_id}
    return [path.format(**ids) for path in paths]


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_everybody_sees_members_and_invitations(
    owner: Membership, member: Membership, invitation: Invitation
) -> None:
    viewer = MembershipFactory(customer=owner.customer, role="viewer").user
    stranger = MembershipFactory().user
    page = text(sign_in(viewer).get("/team"))
    for words in (owner.user.name, "Dev Eloper", member.user.email.split("@")[0], "ada", "3 members"):
        assert words in page
    assert stranger.name not in page
    for path in ("/team/invite", "/withdraw", "/team/members/"):
        assert path not in page


def test_managers_see_what_they_can_change(
    browser: Client, owner: Membership, member: Membership, invitation: Invitation
) -> None:
    page = text(browser.get("/team"))
    assert '<span class="you">you</span>' in page
    for path in filled(("/team/invite", "/team/members/{member}", *POSTING), member, invitation):
        assert f'"{path}"' in page


def test_anonymous_people_are_asked_to_sign_in(member: Membership, invitation: Invitation) -> None:
    for path in [*filled(MANAGING, member, invitation), "/team", "/team/leave"]:
        answer = Client().get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={path}")
    for path in filled(MANAGING + POSTING, member, invitation):
        assert Client().post(path).status_code == 302
    assert Invitation.objects.get().withdrawn_at is None
    assert Membership.objects.filter(pk=member.pk).exists()


@pytest.mark.parametrize("role", ["viewer", "developer"])
def test_who_manages_nobody_is_refused(
    owner: Membership, member: Membership, invitation: Invitation, role: str
) -> None:
    browser = sign_in(MembershipFactory(customer=owner.customer, role=role).user)
    for path in filled(MANAGING, member, invitation):
        assert browser.get(path).status_code == 403, path
    for path in filled(MANAGING + POSTING, member, invitation):
        answer = browser.post(path, {"role": "admin", "emails": "x@acme.example", "overlap": "0"})
        assert answer.status_code == 403, path
    assert Membership.objects.get(pk=member.pk).role == "developer"
    assert Invitation.objects.get().withdrawn_at is None


def test_strangers_find_nothing(member: Membership, invitation: Invitation) -> None:
    stranger = sign_in(MembershipFactory().user)
    for path in filled(MANAGING[1:], member, invitation):
        assert stranger.get(path).status_code == 404, path
    for path in filled(MANAGING[1:] + POSTING, member, invitation):
        form = {"form_token": "t", "role": "viewer", "overlap": "0", "name": str(member.customer)}
        assert stranger.post(path, form).status_code == 404, path
        form["customer"] = member.customer.public_id
        assert stranger.post(path, form).status_code == 404, path
    assert Membership.objects.get(pk=member.pk).role == "developer"
    assert Invitation.objects.get().withdrawn_at is None


def test_nothing_changes_by_get(browser: Client, invitation: Invitation) -> None:
    for path in POSTING:
        assert browser.get(path.format(invitation=invitation.public_id)).status_code == 405


def test_members_are_found_by_name_and_by_e_mail(browser: Client, owner: Membership) -> None:
    for name in ("Grace Hopper", "Ada Lovelace"):
        user = UserFactory(name=name, email=f"{name.split()[0].lower()}@navy.example")
        MembershipFactory(customer=owner.customer, role="viewer", user=user)
    MembershipFactory(user=UserFactory(name="Grace Stranger"))
    for wanted in ("hopper", "GRACE@", " Grace "):
        page = text(browser.get("/team", {"q": wanted}))
        assert "Grace Hopper" in page
        assert "Ada Lovelace" not in page
        assert "Stranger" not in page
    assert "Nobody matches “&lt;b&gt;”" in text(browser.get("/team", {"q": "<b>"}))


@pytest.mark.parametrize("query", ["q=%00", "q=%25_", f"q={'x' * 5000}"])
def test_odd_queries_do_no_harm(browser: Client, query: str) -> None:
    assert browser.get(f"/team?{query}").status_code == 200


@pytest.mark.parametrize("place", ["usr_none", "%00", "%ff", "'", "stranger"])
def test_an_unknown_place_in_the_list_is_not_found(browser: Client, owner: Membership, place: str) -> None:
    stranger = MembershipFactory().user.public_id
    assert browser.get(f"/team?after={place.replace('stranger', stranger)}").status_code == 404
    assert browser.get(f"/team?after={owner.user.public_id}").status_code == 200


def test_the_list_is_paged_and_misses_nobody(browser: Client, owner: Membership) -> None:
    fill(owner, 120)
    seen: list[str] = []
    url = "/team"
    for _ in range(3):
        answer = browser.get(url)
        seen += [row["user"].email for row in answer.context["rows"]]
        url = answer.context["next_url"]
    assert url == ""
    assert len(seen) == len(set(seen)) == 121
    found = browser.get("/team", {"q": "bulk1"})
    assert len(found.context["rows"]) == 31  # 1, 10 to 19 and 100 to 119


def test_5000_members_cost_as_many_queries_as_two(
    browser: Client, owner: Membership, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    fill(owner, 5000)
    actor = actor_of_user(owner.user)
    for number in range(50):
        invite(actor, owner.customer_id, email=f"new{number}@acme.example", role="viewer")
    after = browser.get("/team").context["next_url"]
    for path in ("/team", after, "/team?q=bulk4"):
        with django_assert_max_num_queries(12):
            answer = browser.get(path)
        assert answer.status_code == 200
        assert "5001 members" in text(answer).replace(",", "").replace("\xa0", "")
        assert len(answer.content) < 150_000


def test_an_expired_invitation_says_so_and_stays_sendable(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    invitation = invite(actor_of_user(owner.user), owner.customer_id, email="ada@acme.example", role="viewer")
    assert "Expired" not in text(browser.get("/team"))
    clock.advance(days=7)
    page = text(browser.get("/team"))
    assert "Expired" in page
    assert f"/team/invitations/{invitation.public_id}/resend" in page


def test_names_are_written_as_text(browser: Client, owner: Membership) -> None:
    User.objects.filter(pk=owner.user_id).update(name="<script>alert(1)</script>")
    page = text(browser.get("/team"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_is_of_the_customer_that_was_chosen(browser: Client, owner: Membership) -> None:
    other = MembershipFactory(user=owner.user, customer=CustomerFactory(name="Zulu"), role="viewer")
    colleague = MembershipFactory(customer=other.customer, user=UserFactory(name="Only At Zulu"))
    assert colleague.user.name not in text(browser.get("/team"))
    browser.get("/team", {"customer": other.customer.public_id})
    assert colleague.user.name in text(browser.get("/team"))
    assert browser.get("/team/invite").status_code == 403


def fill(owner: Membership, number: int) -> None:
    users = User.objects.bulk_create(
        User(email=f"bulk{n}@acme.example", name=f"Bulk {n}") for n in range(number)
    )
    Membership.objects.bulk_create(
        Membership(customer=owner.customer, user=user, role="viewer") for user in users
    )
