"""One key's page, rotating and revoking."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import IssuedKey, Membership
from portal.services.actors import actor_of_user
from portal.services.keys.reasons import of_signing_key
from portal.services.keys.revoke import revoke_key
from portal.services.subscriptions import update_subscription
from tests.conftest import Clock
from tests.factories import MembershipFactory, SubscriptionFactory, UserFactory
from tests.web.conftest import sign_in

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
    assert "in 7 d 0 h</time>" in page
    assert f'/keys/{new.public_id}">' in page
    assert "End it now" in page
    page = browser.get(f"/keys/{new.public_id}").content.decode()
    assert "Reveal the secret" in page
    assert "in 7 d 0 h</time>" in page
    assert f'/keys/{old.public_id}">' in page
    assert "in 7 d 0 h</time>" in browser.get("/keys").content.decode()


def test_rotating_without_overlap_ends_the_old_key_at_once(browser: Client, make_key: MakeKey) -> None:
    old = make_key()
    browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old, "0"))
    old.refresh_from_db()
    assert not old.is_usable
    assert b"Replaced" in browser.get(f"/keys/{old.public_id}").content


def test_a_successor_revoked_before_it_lived_leaves_the_key_to_be_rotated_again(
    browser: Client, make_key: MakeKey
) -> None:
    old = make_key()
    IssuedKey.objects.create(
        customer=old.customer, user=old.user, name=old.name, plugin=old.plugin, rotated_from=old,
        status="revoked", revoked_at=now(),
    )  # fmt: skip
    page = browser.get(f"/keys/{old.public_id}").content.decode()
    assert 'id="rotate"' in page
    assert browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old)).status_code == 302


def test_the_portals_own_reasons_are_told_in_words(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    subscription = SubscriptionFactory(customer=owner.customer)
    key = make_key()
    update_subscription(SYSTEM, subscription.pk, {"status": "cancelled"})
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert "The subscription was cancelled" in page
    assert "subscription cancelled" not in page


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
    asked = browser.get(f"/keys/{key.public_id}/revoke").content.decode()
    assert "Type “laptop” to confirm</label>" in asked  # and no “optional”
    form = {"typed_name": " laptop ", "reason": "stolen"}
    answer = browser.post(f"/keys/{key.public_id}/revoke", form, follow=True)
    key.refresh_from_db()
    assert (key.status, key.revoke_reason) == ("revoked", "stolen")
    page = answer.content.decode()
    for words in ("“laptop” is revoked.", "Revoked", "stolen"):
        assert words in page
    assert f"/keys/{key.public_id}/revoke" not in page


@pytest.mark.parametrize("typed", ["", "Laptop", "laptop.", "lap top", "stolen"])
def test_another_name_than_the_keys_revokes_nothing(browser: Client, make_key: MakeKey, typed: str) -> None:
    key = make_key("laptop")
    answer = browser.post(f"/keys/{key.public_id}/revoke", {"typed_name": typed, "reason": "stolen"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Nothing was changed. To confirm, type “laptop”, exactly so." in page
    assert 'value="stolen"' in page
    key.refresh_from_db()
    assert key.status == "active"


@pytest.mark.parametrize("name", ["<b>“x” & y</b>", "two  blanks", "ключ 日本 🔑", "'; --"])
def test_any_name_can_be_typed(browser: Client, make_key: MakeKey, name: str) -> None:
    key = make_key(name)
    assert browser.post(f"/keys/{key.public_id}/revoke", {"typed_name": name}).status_code == 302
    key.refresh_from_db()
    assert key.status == "revoked"


def test_revoking_says_how_soon_gateways_refuse_the_key(
    browser: Client, make_key: MakeKey, settings: Any
) -> None:
    settings.STATUS_LIST_TTL = timedelta(minutes=5)
    page = browser.get(f"/keys/{make_key().public_id}/revoke").content.decode()
    assert "The portal, and gateways that ask it, refuse the key at once." in page
    assert "read our status list refuse it within 5 minutes." in page
    assert "until it expires: in 30 days." in page


def test_an_overlap_is_ended_early_by_revoking_the_old_key(browser: Client, make_key: MakeKey) -> None:
    old = make_key("production")
    browser.post(f"/keys/{old.public_id}/rotate", rotation(browser, old))
    assert (
        b"The key that replaces it goes on working." in browser.get(f"/keys/{old.public_id}/revoke").content
    )
    browser.post(f"/keys/{old.public_id}/revoke", {"typed_name": "production"})
    assert [key.is_usable for key in IssuedKey.objects.order_by("pk")] == [False, True]


def test_revoking_twice_is_harmless(browser: Client, make_key: MakeKey) -> None:
    key = make_key("test")
    for _ in range(2):
        assert browser.post(f"/keys/{key.public_id}/revoke", {"typed_name": "test"}).status_code == 302
    key.refresh_from_db()
    assert key.status == "revoked"
    assert browser.get(f"/keys/{key.public_id}/revoke").status_code == 302


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_strangers_and_viewers_change_nothing(make_key: MakeKey, owner: Membership, verb: str) -> None:
    key = make_key("test")
    viewer = sign_in(MembershipFactory(customer=owner.customer, role="viewer").user)
    stranger = sign_in(MembershipFactory().user)
    for client, status in ((viewer, 403), (stranger, 404)):
        assert client.get(f"/keys/{key.public_id}/{verb}").status_code == status
        form = {"typed_name": "test", "overlap": "0", "form_token": "x"}
        assert client.post(f"/keys/{key.public_id}/{verb}", form).status_code == status
    assert Client().get(f"/keys/{key.public_id}/{verb}").headers["Location"].startswith("/accounts/login/")
    key.refresh_from_db()
    assert (key.status, IssuedKey.objects.count()) == ("active", 1)


def test_history_names_colleagues_but_not_staff(
    browser: Client, make_key: MakeKey, owner: Membership
) -> None:
    key = make_key()
    browser.post(f"/keys/{key.public_id}/reveal")
    staff = UserFactory(is_staff=True, is_superuser=True, email="secretive@operator.example")
    revoke_key(actor_of_user(staff), key.pk)
    answer = browser.get(f"/keys/{key.public_id}")
    told = [(event.words, event.who) for event in answer.context["history"]]
    assert told == [
        ("Revoked", "Latchkey staff"),
        ("Secret shown", owner.user.name),
        ("Created", "The portal"),
        ("Asked for", "The portal"),
    ]
    assert staff.email not in answer.content.decode()


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("subscription cancelled", "The subscription was cancelled."),
        ("RFC 7009 revocation", "Software that held it asked for that."),
        ("It leaked", "It leaked"),
        (of_signing_key("It was stolen"), "The signing key that signed it was revoked: It was stolen"),
    ],
)
def test_the_page_says_in_words_why_a_key_was_revoked(
    browser: Client, make_key: MakeKey, reason: str, told: str
) -> None:
    key = make_key()
    revoke_key(SYSTEM, key.pk, reason=reason)
    assert str(browser.get(f"/keys/{key.public_id}").context["reason"]) == told


def test_a_usable_key_comes_with_commands_to_try(browser: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert "curl -i http://127.0.0.1:8000/api/v1/verify" in page
    revoke_key(SYSTEM, key.pk)
    assert "curl" not in browser.get(f"/keys/{key.public_id}").content.decode()
