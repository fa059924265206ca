"""Where a person is signed in: listed, ended one by one, all others at once, and by a new password."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, Membership, User
from portal.services.users import update_user
from portal.web.browsers import browser_words
from tests.conftest import Clock
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
PAGE, ELSEWHERE = "/settings/security", "/settings/security/sign-out"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"


def phone_of(user: User) -> Client:
    client = Client(HTTP_USER_AGENT=IPHONE, REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/keys").status_code == 200


def test_each_browser_is_listed_with_its_system_and_address(browser: Client, owner: Membership) -> None:
    phone_of(owner.user)
    page = browser.get(PAGE).content.decode()
    assert "Safari on iPhone" in page
    assert "192.0.2.7" in page
    assert page.count("This one") == 1
    phones = Client(HTTP_USER_AGENT=IPHONE)
    assert "Sign out elsewhere" not in phones.get(PAGE).content.decode()


def test_signing_out_elsewhere_ends_the_others_at_once_and_not_this_one(
    browser: Client, owner: Membership
) -> None:
    others = [phone_of(owner.user) for _ in range(2)]
    stranger = sign_in(MembershipFactory().user)
    assert all(map(is_in, others))
    for _ in range(2):
        assert browser.post(ELSEWHERE).headers["Location"] == PAGE
    assert not any(map(is_in, others))
    assert is_in(browser)
    assert is_in(stranger)
    events = AuditEvent.objects.filter(action="user.sessions_ended", object=owner.user.public_id)
    assert [event.detail for event in events] == [{"sessions": 2}]


def test_one_browser_is_signed_out_alone(browser: Client, owner: Membership) -> None:
    phone, other = phone_of(owner.user), sign_in(owner.user)
    row = UserSession.objects.get(ip="192.0.2.7")
    assert browser.post(f"{ELSEWHERE}/{row.pk}").status_code == 302
    assert not is_in(phone)
    assert is_in(other)
    assert browser.post(f"{ELSEWHERE}/{row.pk}").status_code == 404


def test_a_strangers_session_is_not_there(browser: Client) -> None:
    victim = sign_in(MembershipFactory().user)
    row = UserSession.objects.latest("pk")
    assert browser.post(f"{ELSEWHERE}/{row.pk}").status_code == 404
    assert is_in(victim)


def test_anonymous_people_end_nothing(owner: Membership) -> None:
    phone = phone_of(owner.user)
    for path in (ELSEWHERE, f"{ELSEWHERE}/{UserSession.objects.get().pk}"):
        assert Client().post(path).headers["Location"].startswith("/accounts/login/")
        assert Client().get(path).status_code == 405
    assert is_in(phone)


def test_a_new_password_ends_the_others(browser: Client, owner: Membership) -> None:
    phone, new = phone_of(owner.user), "another horse battery"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    assert is_in(browser)
    assert not is_in(phone)
    assert not Session.objects.exclude(session_key=browser.session.session_key).exists()
    page = browser.get(PAGE).content.decode()
    assert "Safari on iPhone" not in page
    assert "Changed" in page


def test_a_password_that_was_reset_ends_all(
    browser: Client, owner: Membership, mailoutbox: list[Any]
) -> None:
    import re

    visitor, new = Client(), "another horse battery"
    visitor.post("/accounts/password/reset/", {"email": owner.user.email})
    found = re.search(r"/accounts/password/reset/key/\S+", str(mailoutbox[-1].body))
    assert found is not None
    path = visitor.get(found[0], follow=True).redirect_chain[-1][0]
    visitor.post(path, {"password1": new, "password2": new})
    assert not is_in(browser)
    assert not UserSession.objects.filter(user=owner.user).exists()


def test_whoever_is_shut_out_and_let_in_again_signs_in_anew(browser: Client, owner: Membership) -> None:
    UserFactory(is_staff=True, is_superuser=True)
    for is_active in (False, True):
        update_user(SYSTEM, owner.user_id, {"is_active": is_active})
        assert not is_in(browser)


def test_staff_without_a_customer_have_the_page_too() -> None:
    assert "Signed-in browsers" in sign_in(UserFactory(is_staff=True)).get(PAGE).content.decode()


def test_the_last_visit_is_noted_once_in_a_while(owner: Membership, clock: Clock) -> None:
    client = sign_in(owner.user)
    client.get("/keys")
    (row,) = UserSession.objects.all()
    noted_at = row.last_seen_at
    for step, moved in ((timedelta(minutes=4), False), (timedelta(minutes=2), True)):
        clock.at += step
        client.get("/keys")
        row.refresh_from_db()
        assert (row.last_seen_at > noted_at) is moved


def test_the_page_asks_the_database_little(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any
) -> None:
    for _ in range(25):
        phone_of(owner.user)
    browser.get(PAGE)
    with django_assert_max_num_queries(12):
        page = browser.get(PAGE).content.decode()
    assert "There are more" in page
    assert page.count("This one") == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome on Android"),
        (IPHONE, "Safari on iPhone"),
        ("curl/8.0", "curl"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_are_named_as_people_do(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words
