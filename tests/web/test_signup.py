"""Making an account: what it asks for, what follows, and invitations."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from portal.core.clock import now
from portal.models import AuditEvent, Invitation, Notice, User
from portal.services.invitations import invitation_link
from portal.services.signups import is_taken
from tests.factories import CustomerFactory, UserFactory
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
EMAIL = "ada@new.example"


@pytest.fixture(autouse=True)
def open_portal(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "open"
    settings.PORTAL_BASE_URL = "http://testserver"


def sign_up(client: Client, email: str = EMAIL, **fields: str) -> Any:
    form = {"name": "Ada", "email": email, "password1": PASSWORD, "password2": PASSWORD, **fields}
    return client.post("/accounts/signup/", form)


def confirm(client: Client) -> Any:
    """Follow the link in the newest mail."""
    found = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert found is not None
    assert b"Is <strong>" in client.get(found[0]).content
    return client.post(found[0])


@pytest.fixture
def invite(settings: Any) -> Callable[..., Invitation]:
    """An invitation, opened in that browser as the page of invitations does it."""

    def invite(client: Client, **fields: Any) -> Invitation:
        settings.PORTAL_SIGNUP = "invite"
        fields = {"expires_at": now() + timedelta(days=1), "email": EMAIL, **fields}
        invitation = Invitation.objects.create(customer=CustomerFactory(), **fields)
        session = client.session
        session["invitation"] = [invitation.public_id, invitation.version]
        session.save()
        return invitation

    return invite


def test_signing_up_and_confirming_in_one_browser_leads_to_the_welcome_page() -> None:
    client = Client()
    assert sign_up(client).url == "/accounts/confirm-email/"
    assert client.get("/dashboard").status_code == 302
    assert confirm(client).url == "/welcome"
    assert b"Welcome, Ada" in client.get("/welcome").content
    user = User.objects.get(email=EMAIL)
    assert user.name == "Ada"
    assert AuditEvent.objects.filter(action="user.created", object=user.public_id).count() == 1


def test_another_browser_that_confirms_is_not_signed_in() -> None:
    sign_up(Client())
    other = Client()
    assert confirm(other).url == "/accounts/login/"
    assert other.get("/dashboard").status_code == 302


def test_the_welcome_mail_is_noted_once_the_address_is_proven_and_once_only() -> None:
    client = Client()
    sign_up(client)
    welcomes = Notice.objects.filter(kind="welcome", user__email=EMAIL)
    assert not welcomes.exists()
    confirm(client)
    assert welcomes.count() == 1
    EmailAddress.objects.update(verified=False)
    confirm(Client())
    assert welcomes.count() == 1


def test_a_second_address_brings_no_second_welcome() -> None:
    user = UserFactory()
    client = sign_in(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "second@acme.example"})
    confirm(client)
    assert EmailAddress.objects.get(email="second@acme.example").verified
    assert not Notice.objects.filter(user=user).exists()


def test_a_second_address_is_confirmed_by_nobody_else() -> None:
    """Its owner may press the button in a mail they never asked for."""
    user = UserFactory()
    client = sign_in(user)
    client.post("/accounts/email/", {"action_add": "", "email": "victim@acme.example"})
    for other in (Client(), sign_in(UserFactory())):
        answer = confirm(other)
        assert answer.url.startswith("/accounts/login/?next=/accounts/confirm-email/")
        assert not EmailAddress.objects.get(email="victim@acme.example").verified
    phone = Client()
    back = phone.post(confirm(phone).url, {"login": user.email, "password": PASSWORD}).url
    phone.post(back)
    assert EmailAddress.objects.get(email="victim@acme.example").verified


@pytest.mark.parametrize("password", ["short99", "1234567890123", "ada@new.example", "password123"])
def test_weak_passwords_make_no_account_and_the_rules_are_shown_before(password: str) -> None:
    client = Client()
    assert b"At least 10 characters" in client.get("/accounts/signup/").content
    assert sign_up(client, password1=password, password2=password).status_code == 200
    assert not User.objects.filter(email=EMAIL).exists()


def test_a_password_like_the_name_is_refused() -> None:
    answer = sign_up(Client(), name="Ada Lovelace", password1="ada lovelace", password2="ada lovelace")
    assert b"too similar to the name" in answer.content


@pytest.mark.parametrize("name", ["Win at https://evil.example", "www.evil.example", "<b>", "a\nb"])
def test_a_name_carries_no_advertisement_into_mails(name: str) -> None:
    assert sign_up(Client(), name=name).status_code == 200
    assert mail.outbox == []


def test_an_address_that_somebody_only_added_is_free_to_sign_up_with() -> None:
    squatter = UserFactory()
    EmailAddress.objects.create(user=squatter, email=EMAIL)
    assert not is_taken(EMAIL.upper())
    client = Client()
    sign_up(client)
    confirm(client)
    assert EmailAddress.objects.get(email=EMAIL).user == User.objects.get(email=EMAIL) != squatter


def test_a_password_is_not_set_by_an_address_that_was_never_proven() -> None:
    squatter = UserFactory()
    EmailAddress.objects.create(user=squatter, email=EMAIL)
    Client().post("/accounts/password/reset/", {"email": EMAIL})
    (message,) = mail.outbox
    assert "/password/reset/key/" not in str(message.body)


def test_an_invited_person_signs_up_where_sign_up_is_closed(
    invite: Callable[..., Invitation], settings: Any
) -> None:
    client = Client()
    invitation = invite(client)
    page = client.get("/accounts/signup/").content.decode()
    assert str(invitation.customer) in page
    assert re.search(rf'value="{EMAIL}"[^>]*disabled', page)
    answer = sign_up(client)
    assert f"{settings.PORTAL_BASE_URL}{answer.url}" == invitation_link(invitation)
    address = EmailAddress.objects.get(user__email=EMAIL)
    assert address.verified
    assert mail.outbox == []  # the link came to that mailbox
    assert client.get("/dashboard").status_code == 200
    assert Notice.objects.filter(kind="welcome", user__email=EMAIL).count() == 1


def test_an_invitation_is_good_for_its_own_address_alone(invite: Callable[..., Invitation]) -> None:
    client = Client()
    invite(client)
    sign_up(client, email="other@evil.example")
    assert not User.objects.filter(email="other@evil.example").exists()
    assert User.objects.filter(email=EMAIL).exists()


def test_an_invitation_that_was_sent_again_ends_where_its_former_link_was_opened(
    invite: Callable[..., Invitation],
) -> None:
    client = Client()
    invitation = invite(client)
    Invitation.objects.filter(pk=invitation.pk).update(version=2)
    assert b"Accounts are by invitation" in client.get("/accounts/signup/").content
    sign_up(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("ended", ["expires_at", "withdrawn_at", "accepted_at"])
def test_an_invitation_that_ended_opens_nothing(invite: Callable[..., Invitation], ended: str) -> None:
    client = Client()
    invite(client, **{ended: now() - timedelta(seconds=1)})
    assert b"Accounts are by invitation" in client.get("/accounts/signup/").content
    sign_up(client)
    assert not User.objects.exists()


def test_a_later_sign_in_does_not_lead_to_the_invitation_again(invite: Callable[..., Invitation]) -> None:
    client = Client()
    invite(client)
    sign_up(client)
    assert "invitation" not in client.session


def test_a_session_from_before_signing_up_is_not_carried_on(invite: Callable[..., Invitation]) -> None:
    client = Client()
    invite(client)
    before = client.session.session_key
    sign_up(client)
    assert client.session.session_key not in (None, before)


def test_who_has_just_signed_up_sees_secrets_without_signing_in_again() -> None:
    client = Client()
    sign_up(client)
    confirm(client)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "second@acme.example"})
    assert answer.url == "/accounts/email/"


@pytest.mark.usefixtures("open_portal")
@pytest.mark.parametrize(("asked", "kept"), [("de", "de"), ("en", ""), ("fr", "")])
def test_who_signs_up_in_another_language_is_written_to_in_it(asked: str, kept: str) -> None:
    sign_up(Client(headers={"accept-language": asked}))
    assert User.objects.get(email=EMAIL).language == kept
    subject = {"de": "Bestätigen", "": "Confirm"}[kept]
    assert subject in mail.outbox[-1].subject
