"""Who sees which page, and that every page is guarded alike."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from portal.models import IssuedKey, Membership, User
from portal.web.errors import server_error
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]
CHANGES = ("reveal", "rotate", "revoke")


@pytest.mark.parametrize(
    "path", ["/keys", "/keys/new", "/keys/key_x", "/keys/key_x/rotate", "/keys/key_x/revoke"]
)
def test_anonymous_people_are_asked_to_sign_in_and_come_back(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={path}")


@pytest.mark.parametrize("change", CHANGES)
def test_anonymous_people_change_nothing(make_key: MakeKey, change: str) -> None:
    key = make_key()
    assert Client().post(f"/keys/{key.public_id}/{change}").status_code == 302
    key.refresh_from_db()
    assert key.status == "active"
    assert key.secret_available


def test_a_strangers_key_is_not_there(make_key: MakeKey) -> None:
    key = make_key()
    stranger = sign_in(MembershipFactory().user)
    assert key.name not in stranger.get("/keys").content.decode()
    assert stranger.get(f"/keys/{key.public_id}").status_code == 404
    for change in CHANGES:
        assert stranger.post(f"/keys/{key.public_id}/{change}", {"overlap": "24h"}).status_code == 404
    key.refresh_from_db()
    assert key.status == "active"
    assert key.secret_available


def test_staff_who_belong_to_no_customer_see_no_key(make_key: MakeKey, staff: User) -> None:
    key = make_key()
    browser = sign_in(staff)
    page = browser.get("/keys")
    assert page.status_code == 200
    assert b"You belong to no customer yet" in page.content
    assert b'href="/admin/"' in page.content
    assert key.public_id not in browser.get(f"/keys/{key.public_id}").content.decode()


def test_people_without_a_customer_are_told_so() -> None:
    page = sign_in(UserFactory()).get("/keys")
    assert b"You belong to no customer yet" in page.content
    assert b'href="/admin/"' not in page.content


def test_viewers_look_and_change_nothing(make_key: MakeKey, owner: Membership) -> None:
    key = make_key()
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    assert b"New key" not in viewer.get("/keys").content
    page = viewer.get(f"/keys/{key.public_id}").content.decode()
    assert key.public_id in page
    for change in CHANGES:
        assert f"/keys/{key.public_id}/{change}" not in page
        answer = viewer.post(f"/keys/{key.public_id}/{change}", {"overlap": "24h", "form_token": "x"})
        assert answer.status_code == 403
        assert "Your role doesn't allow this" in unescape(answer.content.decode())
    assert viewer.get("/keys/new").status_code == 403
    key.refresh_from_db()
    assert key.status == "active"
    assert key.secret_available
    assert IssuedKey.objects.count() == 1


def test_a_former_member_is_a_stranger(browser: Client, make_key: MakeKey, owner: Membership) -> None:
    key = make_key()
    assert browser.get(f"/keys/{key.public_id}").status_code == 200
    owner.delete()
    assert key.public_id not in browser.get(f"/keys/{key.public_id}").content.decode()


def test_the_list_shows_one_customer_and_the_switch_is_remembered(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    make_key("at the first")
    other = MembershipFactory(user=owner.user, customer=CustomerFactory(name="Zulu"), role="developer")
    assert b"at the first" in browser.get("/keys").content
    answer = browser.get("/keys", {"customer": other.customer.public_id})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/keys")
    assert b"at the first" not in browser.get("/keys").content
    other.delete()
    assert b"at the first" in browser.get("/keys").content


def test_a_foreign_customer_cannot_be_switched_to(browser: Client, make_key: MakeKey) -> None:
    make_key("mine")
    foreign = MembershipFactory().customer
    assert browser.get("/keys", {"customer": foreign.public_id}).status_code == 404
    assert b"mine" in browser.get("/keys").content


def test_a_link_to_a_key_works_whichever_customer_is_chosen(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    key = make_key()
    other = MembershipFactory(user=owner.user)
    browser.get("/keys", {"customer": other.customer.public_id})
    page = browser.get(f"/keys/{key.public_id}")
    assert page.status_code == 200
    assert f'aria-current="true">{owner.customer.name}</a>' in page.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/", "/keys", "/keys/new", "/keys/{key}", "/keys/{key}/rotate", "/keys/{key}/revoke", "/nothing",
        "/accounts/login/", "/accounts/logout/", "/accounts/signup/", "/accounts/email/", "/accounts/inactive/",
        "/accounts/password/change/", "/accounts/password/reset/", "/accounts/password/reset/done/",
        "/accounts/password/reset/key/done/", "/accounts/password/reset/key/1-x/", "/accounts/reauthenticate/",
        "/accounts/confirm-email/", "/accounts/confirm-email/x/", "/api/v1/docs", "/branding.css",
    ],
)  # fmt: skip
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_page_has_the_strict_policy(
    owner: Membership, make_key: MakeKey, path: str, signed_in: bool
) -> None:
    client = sign_in(owner.user) if signed_in else Client()
    answer = client.get(path.format(key=make_key().public_id))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    body = answer.content.decode()
    assert "<style" not in body
    assert " style=" not in body
    assert " on" + "click=" not in body
    assert "<script>" not in body
    assert answer.status_code < 500


def test_pages_for_signed_in_people_are_never_stored(browser: Client, make_key: MakeKey) -> None:
    for path in ("/keys", "/keys/new", f"/keys/{make_key().public_id}", "/keys/key_none"):
        assert "no-store" in browser.get(path).headers["Cache-Control"]


def test_the_first_page_leads_on(browser: Client) -> None:
    assert b"Sign in" in Client().get("/").content
    assert browser.get("/").headers["Location"] == "/dashboard"


def test_a_form_without_its_csrf_token_is_refused_with_a_page(owner: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"login": owner.user.email, "password": "x"})
    assert answer.status_code == 403
    assert b"reload the page" in answer.content


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("x"), 500), (OperationalError("x"), 503)])
def test_broken_pages_need_neither_database_nor_context(error: Exception, status: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        try:
            raise error
        except Exception:
            answer = server_error(RequestFactory().get("/keys"))
    page = answer.content.decode()
    assert (answer.status_code, len(queries)) == (status, 0)
    for sheet in re.findall(r'href="/static/(\S+\.css)"', page):
        assert finders.find(sheet) is not None
    assert str(status) in page
