"""One key's page, rotating and revoking."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import IssuedKey, Membership
from portal.services.actors import actor_of_user
from portal.services.keys.revoke import revoke_key
from tests.conftest import Clock
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]


def rotation(client: Client, key: IssuedKey, overlap: str = "1d") -> dict[str, str]:
    form = client.get(f"/keys/{key.public_id}/rotate").context["form"]
    return {"form_token": form.initial["form_token"], "overlap": overlap}


def test_rotating_leads_to_the_successor_and_keeps_the_old_key(
    browser: Client, make_key: MakeKey, clock: Clock
) -> None:
    old = make_key("production")
    answer = browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old, "1w"))
    new = IssuedKey.objects.get(rotated_from=old)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/keys/{new.public_id}")
    old.refresh_from_db()
    assert (old.status, old.retires_at) == ("active", clock.at + timedelta(days=7))
    page = browser.get(f"/keys/{old.public_id}").content.decode()
    assert "Being replaced" in page
    assert "It stops working in 7 days." in page
    assert new.public_id in page


def test_rotating_without_overlap_ends_the_old_key_at_once(browser: Client, make_key: MakeKey) -> None:
    old = make_key()
    browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old, "0"))
    old.refresh_from_db()
    assert not old.is_usable
    assert b"Replaced" in browser.get(f"/keys/{old.public_id}").content


def test_sending_the_rotation_twice_makes_one_successor(browser: Client, make_key: MakeKey) -> None:
    old = make_key()
    form = rotation(browser, old)
    first, second = (browser.post(f"/keys/{old.public_id}/rotate", form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert IssuedKey.objects.count() == 2


def test_a_second_rotation_is_refused_with_its_sentence(browser: Client, make_key: MakeKey) -> None:
    old = make_key()
    browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old))
    answer = browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old))
    assert answer.status_code == 409
    assert b"has a successor already" in answer.content


@pytest.mark.parametrize("overlap", ["", "91d", "nonsense"])
def test_an_overlap_that_is_not_offered_is_refused(browser: Client, make_key: MakeKey, overlap: str) -> None:
    old = make_key()
    assert browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old, overlap)).status_code == 422
    assert IssuedKey.objects.count() == 1


def test_revoking_asks_first(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = browser.get(f"/keys/{key.public_id}/revoke")
    assert (page.status_code, b"brought back" in page.content) == (200, True)
    key.refresh_from_db()
    assert key.status == "active"


def test_revoking_ends_the_key_and_keeps_the_reason(browser: Client, make_key: MakeKey) -> None:
    key = make_key("laptop")
    answer = browser.post(f"/keys/{key.public_id}/revoke", {"reason": "stolen"}, follow=True)
    key.refresh_from_db()
    assert (key.status, key.revoke_reason) == ("revoked", "stolen")
    page = answer.content.decode()
    for words in ("laptop is revoked.", "Revoked", "stolen"):
        assert words in page
    assert f"/keys/{key.public_id}/revoke" not in page


def test_revoking_twice_is_harmless(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    for _ in range(2):
        assert browser.post(f"/keys/{key.public_id}/revoke").status_code == 302
    key.refresh_from_db()
    assert key.status == "revoked"


def test_history_names_colleagues_but_not_staff(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    key = make_key()
    browser.post(f"/keys/{key.public_id}/reveal")
    staff = UserFactory(is_staff=True, is_superuser=True, email="secretive@operator.example")
    revoke_key(actor_of_user(staff), key.pk)
    answer = browser.get(f"/keys/{key.public_id}")
    told = [(event["words"], event["who"]) for event in answer.context["history"]]
    assert told == [
        ("Revoked", "Latchkey staff or a former colleague"),
        ("Secret shown", owner.user.email),
        ("Created", "Automatic"),
        ("Asked for", "Automatic"),
    ]
    assert staff.email not in answer.content.decode()


def test_a_usable_key_comes_with_commands_to_try(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert "curl -i http://127.0.0.1:8000/api/v1/verify" in page
    revoke_key(SYSTEM, key.pk)
    assert "curl" not in browser.get(f"/keys/{key.public_id}").content.decode()


def test_an_unfinished_key_looks_again_by_itself(browser: Client, owner: Membership) -> None:
    key = IssuedKey.objects.create(customer=owner.customer, user=owner.user, name="x", plugin="kong")
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert "Being created" in page
    assert "portal/refresh.js" in page
