"""Being told of a sign-in from a browser that is new."""

import threading

import pytest
from django.db import connection
from django.test import Client

from portal.models import KnownDevice, Membership, Notice, User
from portal.services.devices import forgotten_devices
from tests.conftest import Clock
from tests.factories import MembershipFactory
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db


def sign_in_again(client: Client, user: User) -> None:
    client.post("/accounts/logout/")
    assert client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}).status_code == 302


def told(user: User) -> list[Notice]:
    return list(Notice.objects.filter(user=user, kind=Notice.Kind.NEW_DEVICE))


def test_nobody_is_told_of_the_first_sign_in(owner: Membership) -> None:
    client = sign_in(owner.user)
    assert told(owner.user) == []
    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 365 * 86400)
    assert cookie.value not in str(list(KnownDevice.objects.values()))


def test_a_known_browser_is_not_told_of(owner: Membership) -> None:
    client = sign_in(owner.user)
    sign_in_again(client, owner.user)
    assert told(owner.user) == []
    assert KnownDevice.objects.count() == 1


def test_a_new_browser_is_told_of_once(owner: Membership) -> None:
    sign_in(owner.user)
    second = Client(HTTP_USER_AGENT="Firefox/133.0 (Windows)", REMOTE_ADDR="192.0.2.9")
    for _ in range(2):
        sign_in_again(second, owner.user)
    (notice,) = told(owner.user)
    assert (notice.detail["browser"], notice.detail["address"]) == ("Firefox on Windows", "192.0.2.9")
    assert "T" in notice.detail["at"]


def test_a_browser_known_to_one_person_is_new_to_another(owner: Membership) -> None:
    other = MembershipFactory().user
    client = sign_in(owner.user)
    sign_in(other)
    sign_in_again(client, other)
    assert told(owner.user) == []
    assert len(told(other)) == 1


@pytest.mark.parametrize("value", ["", "x", "ä" * 43, "a" * 5000])
def test_a_made_up_cookie_is_replaced(owner: Membership, value: str) -> None:
    client = Client()
    client.cookies["device"] = value
    sign_in_again(client, owner.user)
    assert len(client.cookies["device"].value) == 43


def test_a_wrong_password_makes_nothing_known(owner: Membership) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": owner.user.email, "password": "wrong"})
    assert not KnownDevice.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_sign_ins_each_get_in_and_are_told_of_once(owner: Membership) -> None:
    first = sign_in(owner.user)
    first.post("/accounts/logout/")
    token = first.cookies["device"].value
    ready, statuses = threading.Barrier(4), []

    def enter(known: bool) -> None:
        client = Client()
        if known:
            client.cookies["device"] = token
        ready.wait(10)
        answer = client.post("/accounts/login/", {"login": owner.user.email, "password": PASSWORD})
        statuses.append(answer.status_code)
        connection.close()

    threads = [threading.Thread(target=enter, args=[known]) for known in (True, True, False, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [302] * 4
    assert len(told(owner.user)) == 2
    assert KnownDevice.objects.count() == 3


def test_the_latest_device_is_kept_so_that_a_return_after_years_is_told_of(
    owner: Membership, clock: Clock
) -> None:
    for _ in range(2):
        sign_in(owner.user)
        clock.advance(days=1)
    clock.advance(days=800)
    assert forgotten_devices().count() == 1
    forgotten_devices().delete()
    before = len(told(owner.user))
    sign_in(owner.user)
    assert len(told(owner.user)) == before + 1
