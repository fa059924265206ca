"""Pages of keys that are OAuth clients: what is shown, the commands, how long tokens outlive a key."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.sealing import seal
from portal.models import Membership, Operation
from portal.services.audit import Action, record
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.oauth import PUBLIC, auth0_enabled, oauth_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def auth0(db: None) -> Iterator[None]:
    with auth0_enabled():
        yield


def page_of(browser: Client, key: Any, path: str = "") -> str:
    answer = browser.get(f"/keys/{key.public_id}{path}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_what_may_always_be_shown_can_be_copied(browser: Client, owner: Membership) -> None:
    page = page_of(browser, oauth_key(owner))
    for name, text in PUBLIC.items():
        assert f'id="fact-{name}">{text}<' in page
        assert f'data-copy="fact-{name}"' in page
    assert "ID at the gateway" not in page  # it is the client id


def test_the_page_says_how_long_a_token_lives_and_to_keep_it(browser: Client, owner: Membership) -> None:
    assert "It works for 24 hours: use the same one for all calls until then." in page_of(
        browser, oauth_key(owner)
    )


def test_the_secret_is_shown_with_its_parts_in_order_and_never_in_the_command(
    browser: Client, owner: Membership
) -> None:
    secret = "s3cr3t-of-this-client"
    shuffled = {"audience": PUBLIC["audience"], "client_secret": secret, **PUBLIC}
    key = oauth_key(owner, sealed_secret=seal(Secret(json.dumps(shuffled))), revealed_at=None)
    answer = browser.post(f"/keys/{key.public_id}/reveal")
    assert [part.name for part in answer.context["parts"]] == [
        "client_id", "client_secret", "token_url", "audience",
    ]  # fmt: skip
    page = answer.content.decode()
    assert page.count(secret) == 1
    assert "grant_type=client_credentials" in page


def test_revoking_and_rotating_say_that_tokens_live_on(browser: Client, owner: Membership) -> None:
    key = oauth_key(owner)
    assert "Those fetched before work up to 24 hours longer." in page_of(browser, key, "/revoke")
    assert "Access tokens fetched with it work up to 24 hours longer" in page_of(browser, key, "/rotate")


def test_a_revoked_key_says_until_when_its_tokens_work(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    key = oauth_key(owner, status="revoked", revoked_at=clock())
    until = clock() + timedelta(hours=24)
    told = f'work at the latest until <time datetime="{until.isoformat()}"'
    assert told in page_of(browser, key)
    clock.advance(hours=24)
    assert "Access tokens fetched" not in page_of(browser, key)


def test_tokens_of_an_expired_key_are_counted_from_its_removal(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    key = oauth_key(owner, status="expired", expires_at=clock() - timedelta(hours=5))
    removal = Operation.objects.create(
        kind="revoke_key", plugin="auth0-m2m", customer=owner.customer, key=key, state="needs_attention"
    )
    assert "work up to 24 hours after it is removed" in page_of(browser, key)
    Operation.objects.filter(pk=removal.pk).update(state="succeeded", finished_at=clock())
    until = (clock() + timedelta(hours=24)).isoformat()
    assert f'work at the latest until <time datetime="{until}"' in page_of(browser, key)


def test_a_key_being_revoked_or_replaced_says_so_too(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    told = "Access tokens fetched before work up to 24 hours after it is removed."
    assert told in page_of(browser, oauth_key(owner, status="revoking"))
    assert told in page_of(browser, oauth_key(owner, retires_at=clock() + timedelta(days=1)))
    assert "Access tokens fetched before" not in page_of(browser, oauth_key(owner))


def test_what_waits_for_staff_says_so_and_nothing_of_auth0(browser: Client, owner: Membership) -> None:
    asked = oauth_key(owner, status="needs_attention", activated_at=None, external_id="", public={})
    removed = oauth_key(owner, status="revoking")
    Operation.objects.create(
        kind="revoke_key", plugin="auth0-m2m", customer=owner.customer, key=removed, state="needs_attention",
        error_code="auth0_revoke_not_permitted", error_detail="Delete “Latchkey key-x” in its dashboard.",
    )  # fmt: skip
    for key, told in ((asked, "This key isn't ready"), (removed, "It isn't removed everywhere yet")):
        page = page_of(browser, key).replace("&#x27;", "'")
        assert told in page
        assert "there is nothing for you to do" in page
        assert "in its dashboard" not in page
        assert "auth0_" not in page
        assert "updates itself" not in page


@pytest.mark.parametrize(
    ("status", "told"), [("needs_attention", "Creation stopped"), ("failed", "Could not be created")]
)
def test_history_says_whether_the_creation_may_go_on(
    browser: Client, owner: Membership, status: str, told: str
) -> None:
    key = oauth_key(owner, status=status, activated_at=None, external_id="", public={})
    with transaction.atomic():
        record(SYSTEM, Action.KEY_FAILED, key.public_id, customer=owner.customer, code="auth0_x")
    history = browser.get(f"/keys/{key.public_id}").context["history"]
    assert [str(event.words) for event in history] == [told]
