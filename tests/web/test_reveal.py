from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from portal.core.sealing import unseal
from portal.models import IssuedKey, Membership
from tests.factories import MembershipFactory
from tests.web.conftest import PASSWORD, age_sign_in, sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]


def secret_of(key: IssuedKey) -> str:
    import json

    return str(json.loads(unseal(key.sealed_secret).reveal()))


def test_the_secret_is_shown_once(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    secret, url = secret_of(key), f"/keys/{key.public_id}/reveal"
    first = browser.post(url)
    assert first.status_code == 200
    assert first.content.decode().count(secret) == 1
    assert "no-store" in first.headers["Cache-Control"]
    again = browser.post(url)
    assert again.status_code == 410
    assert secret not in again.content.decode()
    assert b"shown before" in again.content
    assert "no-store" in again.headers["Cache-Control"]


def test_the_secret_is_kept_nowhere(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    secret = secret_of(key)
    browser.post(f"/keys/{key.public_id}/reveal")
    for session in Session.objects.all():
        assert secret not in str(session.get_decoded())
    for path in ("/keys", f"/keys/{key.public_id}"):
        assert secret not in browser.get(path).content.decode()
    assert secret not in str(IssuedKey.objects.values().get(pk=key.pk))


def test_looking_at_a_key_shows_its_ends_alone(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert f"{key.prefix}…{key.last4}" in page
    assert secret_of(key) not in page


def test_opening_the_address_reveals_nothing(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    answer = browser.get(f"/keys/{key.public_id}/reveal")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/keys/{key.public_id}")
    key.refresh_from_db()
    assert key.secret_available


def test_an_old_sign_in_is_confirmed_first_and_leads_back(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    page, secret = f"/keys/{key.public_id}", secret_of(key)
    age_sign_in(browser)
    answer = browser.post(f"{page}/reveal")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    key.refresh_from_db()
    assert key.secret_available
    confirmed = browser.post(answer.headers["Location"], {"password": PASSWORD, "next": page})
    assert (confirmed.status_code, confirmed.headers["Location"]) == (302, page)
    assert secret in browser.post(f"{page}/reveal").content.decode()


def test_an_old_sign_in_is_not_confirmed_by_a_wrong_password(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    age_sign_in(browser)
    browser.post("/accounts/reauthenticate/", {"password": "wrong", "next": "/keys"})
    assert browser.post(f"/keys/{key.public_id}/reveal").status_code == 302
    key.refresh_from_db()
    assert key.secret_available


def test_another_developer_does_not_see_it_but_an_admin_does(make_key: MakeKey, owner: Membership) -> None:
    key = make_key()
    url, secret = f"/keys/{key.public_id}/reveal", secret_of(key)
    developer = sign_in(MembershipFactory(customer=owner.customer, role="developer").user)
    assert b"Reveal the secret" not in developer.get(f"/keys/{key.public_id}").content
    assert developer.post(url).status_code == 403
    admin = sign_in(MembershipFactory(customer=owner.customer, role="admin").user)
    assert secret in admin.post(url).content.decode()


def test_a_client_with_several_parts_shows_each(browser: Client, make_key: MakeKey) -> None:
    import json

    from portal.core.sealing import seal
    from provisioning.secret import Secret

    key = make_key()
    parts = {"client_id": "abc", "client_secret": "s3cr3t", "token_url": "https://id.example/token"}
    IssuedKey.objects.filter(pk=key.pk).update(sealed_secret=seal(Secret(json.dumps(parts))))
    page = browser.post(f"/keys/{key.public_id}/reveal").content.decode()
    for name, text in parts.items():
        assert f'data-secret="{name}"' in page
        assert text in page


def test_a_secret_that_cant_be_opened_is_not_blamed_on_the_reader(
    browser: Client, make_key: MakeKey, settings: Settings
) -> None:
    key = make_key()
    settings.SEALING_KEYS = ("other" * 10,)
    answer = browser.post(f"/keys/{key.public_id}/reveal")
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "Nothing is lost: try again later." in page
    assert "PORTAL_SEALING_KEYS" not in page
    key.refresh_from_db()
    assert key.secret_available
