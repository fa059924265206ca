"""Nobody learns from an answer, its work or its mails whether an address has an account."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client

from portal.models import User
from tests.factories import UserFactory
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.django_db
WRONG = "not the password at all"


class CountingHasher(MD5PasswordHasher):
    """Counts what costs the time."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.count += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def counted(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "open"
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]


def verified() -> str:
    return str(UserFactory().email)


def in_capitals() -> str:
    return verified().upper()


def unverified() -> str:
    return str(UserFactory(proven=False).email)


def inactive() -> str:
    return str(UserFactory(is_active=False).email)


def without_password() -> str:
    return str(UserFactory(password=None).email)


def second_address() -> str:
    EmailAddress.objects.create(user=UserFactory(), email="second@acme.example", verified=True)
    return "second@acme.example"


KNOWN = pytest.mark.parametrize(
    "known", [verified, in_capitals, unverified, inactive, without_password, second_address]
)


def seen(path: str, form: dict[str, str], email: str) -> tuple[Any, ...]:
    """All that a visitor can tell apart: status, place, page, hashes computed, mails sent."""
    client = Client()
    CountingHasher.count, before = 0, len(mail.outbox)
    answer = client.post(path, form)
    hashes, mails = CountingHasher.count, mail.outbox[before:]
    page = client.get(answer.url) if answer.status_code == 302 else answer
    text = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", page.content)
    text = re.sub(re.escape(email.encode()), b"", text, flags=re.IGNORECASE)
    cookies = sorted(client.cookies)
    recipients = [[recipient.lower() for recipient in message.to] == [email.lower()] for message in mails]
    return answer.status_code, answer.headers.get("Location"), text, hashes, recipients, cookies


@KNOWN
def test_sign_up_answers_alike(known: Callable[[], str]) -> None:
    def form(email: str) -> dict[str, str]:
        return {"name": "", "email": email, "password1": PASSWORD, "password2": PASSWORD}

    email = known()
    count = User.objects.count()
    answer = seen("/accounts/signup/", form(email), email)
    assert User.objects.count() == count
    assert answer == seen("/accounts/signup/", form("unknown@acme.example"), "unknown@acme.example")
    assert answer[0] == 302
    assert answer[3:5] == (1, [True])


@KNOWN
def test_reset_answers_alike(known: Callable[[], str]) -> None:
    email = known()
    answer = seen("/accounts/password/reset/", {"email": email}, email)
    other = "unknown@acme.example"
    assert answer == seen("/accounts/password/reset/", {"email": other}, other)
    assert answer[4] == [True]


@KNOWN
def test_a_wrong_password_is_answered_alike(known: Callable[[], str]) -> None:
    email, other = known(), "unknown@acme.example"
    answer = seen("/accounts/login/", {"login": email, "password": WRONG}, email)
    assert answer == seen("/accounts/login/", {"login": other, "password": WRONG}, other)
    assert answer[3] == 1


@KNOWN
def test_closed_sign_up_is_answered_alike(settings: Any, known: Callable[[], str]) -> None:
    settings.PORTAL_SIGNUP = "invite"
    email, other = known(), "unknown@acme.example"
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    answer = seen("/accounts/signup/", form, email)
    assert answer == seen("/accounts/signup/", {**form, "email": other}, other)
    assert answer[3:5] == (0, [])


@pytest.mark.parametrize(
    ("path", "field"), [("/accounts/password/reset/", "email"), ("/accounts/login/", "login")]
)
def test_limits_are_alike_and_say_when_to_come_back(path: str, field: str) -> None:
    def tries(email: str) -> list[int]:
        form = {field: email, "password": WRONG}
        answers = [Client(REMOTE_ADDR=f"192.0.2.{n}").post(path, form) for n in range(7)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in limited)
        assert all(b"Too many tries" in answer.content for answer in limited)
        return [answer.status_code for answer in answers]

    assert tries(verified()) == tries("unknown@acme.example")


def test_signing_up_again_and_again_mails_alike() -> None:
    """A second mail to one address waits; for known and unknown ones."""

    def mails(email: str) -> int:
        before = len(mail.outbox)
        for _ in range(3):
            form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
            assert Client().post("/accounts/signup/", form).status_code == 302
        return len(mail.outbox) - before

    assert mails(verified()) == mails("unknown@acme.example") == 1


def test_adding_somebodys_address_is_answered_alike() -> None:
    client = Client()
    user = UserFactory()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    taken = verified()
    for email in (taken, "unknown@acme.example"):
        answer = client.post("/accounts/email/", {"action_add": "", "email": email})
        assert (answer.status_code, answer.url) == (302, "/accounts/email/")
        assert mail.outbox[-1].to == [email]
    assert user.email == User.objects.get(pk=user.pk).email
