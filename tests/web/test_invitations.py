"""Inviting people, and what the link in their mail opens."""

from typing import Any
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client

from portal.models import Customer, Invitation, Membership, Notice
from portal.services.actors import actor_of_user
from portal.services.invitations import invitation_link, invite, resend_invitation, withdraw_invitation
from portal.services.members import remove_member
from tests.conftest import Clock
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db


def ask(browser: Client, emails: str, role: str = "developer", **members: str) -> Any:
    token = browser.get("/team/invite").context["form"].initial["form_token"]
    form = {"form_token": token, "emails": emails, "role": role, **members}
    return browser.post("/team/invite", form, follow=True)


def made(owner: Membership, **values: str) -> Invitation:
    values = {"email": "ada@acme.example", "role": "developer", **values}
    return invite(actor_of_user(owner.user), owner.customer_id, **values)


def path_of(invitation: Invitation) -> str:
    return invitation_link(invitation).removeprefix(settings.PORTAL_BASE_URL)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def state() -> tuple[int, int]:
    return Membership.objects.count(), Invitation.objects.filter(accepted_at=None).count()


def test_several_people_are_invited_at_once(browser: Client, owner: Membership) -> None:
    page = text(ask(browser, "Ada@acme.example\r\n\r\n bob@acme.example, <ada@acme.example>", "viewer"))
    assert "2 invitations are on their way: ada@acme.example, bob@acme.example." in page
    found = Invitation.objects.order_by("pk").values_list("email", "role", "customer")
    assert list(found) == [(f"{name}@acme.example", "viewer", owner.customer_id) for name in ("ada", "bob")]
    assert Notice.objects.filter(kind="invitation").count() == 2


def test_a_form_that_is_sent_twice_invites_once_and_answers_alike(browser: Client) -> None:
    token = browser.get("/team/invite").context["form"].initial["form_token"]
    form = {"form_token": token, "emails": "ada@acme.example", "role": "viewer"}
    pages = [text(browser.post("/team/invite", form, follow=True)) for _ in range(2)]
    for page in pages:
        assert "The invitation is on its way to ada@acme.example." in page
    assert Notice.objects.count() == Invitation.objects.count() == 1


def test_members_and_people_invited_before_are_named_and_the_rest_is_sent(
    browser: Client, owner: Membership
) -> None:
    made(owner)
    page = text(ask(browser, f"ada@acme.example\n{owner.user.email}\nnew@acme.example"))
    assert "The invitation is on its way to new@acme.example." in page
    assert "ada@acme.example: This person is invited already." in page
    assert f"{owner.user.email}: This person is a member already." in page
    assert Invitation.objects.count() == 2


def test_when_nobody_can_be_invited_the_form_says_why(browser: Client, owner: Membership) -> None:
    answer = ask(browser, owner.user.email)
    assert answer.status_code == 422
    assert "This person is a member already. Nothing was sent." in text(answer)


@pytest.mark.parametrize(
    ("emails", "role", "words"),
    [
        ("", "viewer", "This field is required."),
        (" , ; ", "viewer", "required"),
        ("ada@acme.example\nnobody", "viewer", "This is no e-mail address: nobody."),
        ("\n".join(f"p{n}@acme.example" for n in range(21)), "viewer", "These are 21 addresses."),
        ("ada@acme.example", "emperor", "Select a valid choice"),
        ("ada@acme.example", "", "This field is required."),
        ("a\0@acme.example", "viewer", "Null characters"),
        ("x" * 7000, "viewer", "at most 6000 characters"),
    ],
)
def test_wrong_input_sends_nothing(browser: Client, emails: str, role: str, words: str) -> None:
    answer = ask(browser, emails, role)
    assert answer.status_code == 422
    assert words in text(answer)
    assert not Invitation.objects.exists()


def test_admins_are_offered_no_owners(owner: Membership) -> None:
    admin = sign_in(MembershipFactory(customer=owner.customer, role="admin").user)
    assert 'value="owner"' not in text(admin.get("/team/invite"))
    assert ask(admin, "ada@acme.example", "owner").status_code == 422
    assert not Invitation.objects.exists()


def test_the_form_counts_for_the_customer_that_it_was_opened_for(browser: Client, owner: Membership) -> None:
    other = MembershipFactory(user=owner.user)
    browser.get("/team", {"customer": other.customer.public_id})
    ask(browser, "ada@acme.example", customer=owner.customer.public_id)
    assert Invitation.objects.get().customer == owner.customer


def test_sending_again_and_withdrawing(browser: Client, owner: Membership, clock: Clock) -> None:
    invitation = made(owner)
    one = f"/team/invitations/{invitation.public_id}"
    early = text(browser.post(f"{one}/resend", follow=True))
    assert "less than a minute ago" in early
    clock.advance(minutes=1)
    assert "Another mail is on its way to ada@acme.example." in text(
        browser.post(f"{one}/resend", follow=True)
    )
    invitation.refresh_from_db()
    assert invitation.version == 2
    for _ in range(2):
        page = text(browser.post(f"{one}/withdraw", follow=True))
        assert "The invitation to ada@acme.example is withdrawn" in page
    assert browser.post(f"{one}/resend").status_code == 409


def test_who_has_the_address_joins_by_a_button_and_sees_that_customer_next(owner: Membership) -> None:
    ada = UserFactory(email="ada@acme.example")
    elsewhere = MembershipFactory(user=ada)
    browser, invitation = sign_in(ada), made(owner)
    page = text(browser.get(path_of(invitation)))
    assert f"Join {owner.customer.name}" in page
    assert owner.user.name in page
    assert "Developer" in page
    before = state()
    answer = browser.post(path_of(invitation))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard")
    assert state() == (before[0] + 1, before[1] - 1)
    team = browser.get("/team")
    assert team.context["visit"].customer == owner.customer
    assert elsewhere.customer != owner.customer


def test_the_button_pressed_twice_joins_once_and_both_answers_lead_in(owner: Membership) -> None:
    browser, invitation = sign_in(UserFactory(email="ada@acme.example")), made(owner)
    for _ in range(2):
        assert browser.post(path_of(invitation)).headers["Location"] == "/dashboard"
    assert Membership.objects.filter(customer=owner.customer).count() == 2
    page = browser.get(path_of(invitation))
    assert (page.status_code, "You have joined already" in text(page)) == (410, True)


def test_opening_the_link_changes_nothing(owner: Membership) -> None:
    """Mail scanners open links, too."""
    path, before = path_of(made(owner)), state()
    ada = sign_in(UserFactory(email="ada@acme.example"))
    for browser in (ada, Client(), sign_in(UserFactory())):
        session = dict(browser.session.items())
        assert browser.get(path).status_code == 200
        assert browser.head(path).status_code == 200
        assert dict(browser.session.items()) == session
    assert state() == before


def test_somebody_else_is_told_whose_it_is_and_can_sign_out(owner: Membership) -> None:
    other, path = sign_in(UserFactory(email="eve@acme.example")), path_of(made(owner))
    before = state()
    for answer in (other.get(path), other.post(path)):
        page = text(answer)
        assert "This invitation is for ada@acme.example, and you are signed in as eve@acme.example." in page
        assert f'name="next" value="{path}"' in page
    assert state() == before
    assert other.post("/accounts/logout/", {"next": path}).headers["Location"] == path


def test_an_unproven_address_is_somebody_elses(owner: Membership) -> None:
    person = UserFactory()
    EmailAddress.objects.create(user=person, email="ada@acme.example", verified=False)
    browser = sign_in(person)
    assert "This invitation is for ada@acme.example" in text(browser.post(path_of(made(owner))))
    assert not Membership.objects.filter(user=person).exists()


def test_who_has_an_account_signs_in_and_comes_back(owner: Membership) -> None:
    UserFactory(email="ada@acme.example")
    path = path_of(made(owner))
    browser = Client()
    for page in (text(browser.get(path)), text(browser.post(path))):
        assert f'href="/accounts/login/?next={quote(path, safe="")}"' in page
        assert "Create your account" not in page
    assert "invitation" not in browser.session


def test_who_has_none_is_led_to_make_one_for_that_invitation(owner: Membership) -> None:
    invitation, browser = made(owner), Client()
    path = path_of(invitation)
    assert "Create your account" in text(browser.get(path))
    answer = browser.post(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/signup/")
    assert browser.session["invitation"] == [invitation.public_id, 1]
    assert path.rpartition(".")[2] not in str(dict(browser.session))  # the link is a credential


def _expire(owner: Membership, invitation: Invitation, clock: Clock) -> str:
    clock.advance(days=7)
    return "has expired"


def _withdraw(owner: Membership, invitation: Invitation, clock: Clock) -> str:
    withdraw_invitation(actor_of_user(owner.user), owner.customer_id, invitation.public_id)
    return "was withdrawn"


def _resend(owner: Membership, invitation: Invitation, clock: Clock) -> str:
    clock.advance(minutes=1)
    resend_invitation(actor_of_user(owner.user), owner.customer_id, invitation.public_id)
    return "There is a newer link"


def _close(owner: Membership, invitation: Invitation, clock: Clock) -> str:
    Customer.objects.filter(pk=owner.customer_id).update(status="closed")
    return "be accepted now"


def _let_go(owner: Membership, invitation: Invitation, clock: Clock) -> str:
    second = MembershipFactory(customer=owner.customer)
    remove_member(actor_of_user(second.user), owner.customer_id, owner.user_id)
    return "was withdrawn"


@pytest.mark.parametrize("ending", [_expire, _withdraw, _resend, _close, _let_go])
def test_each_end_has_a_page_that_says_what_to_do(owner: Membership, clock: Clock, ending: Any) -> None:
    invitation = made(owner)
    path = path_of(invitation)
    words = ending(owner, invitation, clock)
    before = state()
    ada = sign_in(UserFactory(email="ada@acme.example"))
    for browser in (Client(), ada):
        for answer in (browser.get(path), browser.post(path)):
            assert answer.status_code == 410
            assert words in text(answer)
    assert state() == before


@pytest.mark.parametrize("token", ["x", "inv_x.1.y", "..%2F..", "%00"])
def test_a_wrong_link_says_that_it_leads_nowhere(token: str) -> None:
    for answer in (Client().get(f"/invitations/{token}"), Client().post(f"/invitations/{token}")):
        assert answer.status_code == 404


def test_a_mutilated_link_tells_nothing_of_the_invitation(owner: Membership) -> None:
    path = path_of(made(owner))
    answer = Client().get(path[:-2])
    assert (answer.status_code, "This link leads nowhere" in text(answer)) == (404, True)
    assert owner.customer.name not in text(answer)


def test_the_link_is_kept_from_caches_and_from_other_pages(owner: Membership) -> None:
    path = path_of(made(owner))
    for address in (path, path[:-2]):
        answer = Client().get(address)
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Referrer-Policy"] == "strict-origin"


def test_joining_needs_a_csrf_token(owner: Membership) -> None:
    ada = UserFactory(email="ada@acme.example")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(path_of(made(owner))).status_code == 403
    assert not Membership.objects.filter(user=ada).exists()
