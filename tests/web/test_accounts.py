"""Signing in and out, first passwords, closed sign-up."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import User
from portal.services.members import add_member
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db


def test_somebody_added_by_staff_sets_a_first_password_by_mail(settings: Any) -> None:
    settings.PORTAL_BASE_URL = "https://portal.example"
    user = User.objects.create_user("new@acme.example")
    MembershipFactory(user=user)
    client = Client()
    assert b"/accounts/password/reset/" in client.get("/accounts/login/").content
    client.post("/accounts/password/reset/", {"email": user.email})
    (message,) = mail.outbox
    assert message.subject == "[Latchkey] Set your password"
    found = re.search(r"https://portal\.example(/accounts/password/reset/key/\S+)", str(message.body))
    assert found is not None
    form = client.get(found[1], follow=True)
    path = form.redirect_chain[-1][0]
    client.post(path, {"password1": "a new horse battery", "password2": "a new horse battery"})
    answer = client.post("/accounts/login/", {"login": user.email, "password": "a new horse battery"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard")
    assert b"This link doesn&#x27;t work" in Client().get(found[1]).content or (
        b"This link doesn't work" in Client().get(found[1]).content
    )


def test_an_unknown_address_is_answered_alike() -> None:
    UserFactory(email="known@acme.example")
    pages = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("known@acme.example", "unknown@acme.example")
    ]
    strip = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')
    assert strip.sub(b"", pages[0].content) == strip.sub(b"", pages[1].content)
    assert "known@acme.example" not in str(mail.outbox[1].body).replace("unknown@acme.example", "")


@pytest.mark.parametrize(("signup", "is_open"), [("open", True), ("approval", True), ("invite", False)])
def test_sign_up_by_invitation_lets_nobody_else_in(settings: Any, signup: str, is_open: bool) -> None:
    settings.PORTAL_SIGNUP = signup
    client = Client()
    page = client.get("/accounts/signup/").content
    assert (b"Accounts are by invitation" in page) is not is_open
    assert (b"/accounts/signup/" in client.get("/").content) is is_open
    password = "a new horse battery"
    client.post(
        "/accounts/signup/", {"email": "me@new.example", "password1": password, "password2": password}
    )
    assert User.objects.filter(email="me@new.example").exists() is is_open


def test_signing_out_needs_a_click_and_ends_the_session() -> None:
    client = sign_in(MembershipFactory().user)
    assert b"Sign out?" in client.get("/accounts/logout/").content
    assert client.get("/keys").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/keys").status_code == 302


def test_sign_in_never_leads_to_another_site() -> None:
    user = MembershipFactory().user
    credentials = {"login": user.email, "password": "correct horse battery", "next": "https://evil.example/"}
    assert Client().post("/accounts/login/", credentials).headers["Location"] == "/dashboard"


def test_an_unproven_mailbox_does_not_sign_in() -> None:
    user = UserFactory(proven=False)
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.url == "/accounts/confirm-email/"
    assert client.get("/keys").status_code == 302


def test_an_address_is_nobodys_before_it_is_proven() -> None:
    """Memberships are given by e-mail, so taking somebody's address must not bring their customer."""
    attacker = MembershipFactory().user
    client = sign_in(attacker)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "ceo@victim.example"})
    client.post("/accounts/email/", {"action_primary": "", "email": "ceo@victim.example"})
    attacker.refresh_from_db()
    assert attacker.email != "ceo@victim.example"


def test_somebody_that_staff_added_needs_no_second_proof() -> None:
    """A person added by staff has no password, so whoever has one read the mailbox."""
    added = add_member(SYSTEM, MembershipFactory().customer_id, email="added@acme.example").user
    assert not added.has_usable_password()
    added.set_password(PASSWORD)
    added.save()
    assert sign_in(added).get("/keys").status_code == 200
