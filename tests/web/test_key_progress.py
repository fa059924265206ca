"""A key's page follows what is under way, by fragments that htmx asks for."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.clock import now
from portal.core.ids import random_base62
from portal.models import IssuedKey, Membership, Operation
from tests.conftest import Clock
from tests.factories import MembershipFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def under_way(
    owner: Membership, status: str = "requested", kind: str = "issue_key", **operation: Any
) -> tuple[IssuedKey, Operation]:
    key = IssuedKey.objects.create(
        customer=owner.customer, user=owner.user, name="production", plugin="kong", status=status
    )
    values = {"plugin": "kong", "customer": owner.customer, "key": key, **operation}
    if values.get("state") == "running":
        values |= {"owner": "worker", "lease_until": now() + timedelta(seconds=15)}
    return key, Operation.objects.create(kind=kind, **values)


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


@pytest.mark.parametrize(
    ("operation", "steps", "told"),
    [
        ({}, ["current", "next", "next"], "the gateway is told next"),
        ({"state": "running"}, ["done", "current", "next"], "The gateway is being told."),
        (
            {"state": "retrying", "failing_since": now()},
            ["done", "current", "next"],
            "We go on trying by ourselves; nothing can be used until it does",
        ),
        ({"state": "needs_attention"}, ["done", "current", "next"], "nothing can be used yet"),
    ],
)
def test_each_phase_is_told_in_words(
    browser: Client, owner: Membership, operation: dict[str, Any], steps: list[str], told: str
) -> None:
    key, _ = under_way(owner, error_code="kong_secret_detail", error_detail="10.0.0.3 refused", **operation)
    answer = browser.get(f"/keys/{key.public_id}")
    assert [step.state for step in answer.context["progress"].steps] == steps
    page = text_of(answer)
    assert told in page
    assert "kong_secret_detail" not in page
    assert "10.0.0.3" not in page
    assert "Reveal" not in page


def test_it_says_since_when_it_is_tried_again(browser: Client, owner: Membership, clock: Clock) -> None:
    key, _ = under_way(owner, state="retrying", failing_since=clock() - timedelta(minutes=3))
    page = text_of(browser.get(f"/keys/{key.public_id}"))
    assert (
        f'It hasn\'t worked since <time datetime="{(clock() - timedelta(minutes=3)).isoformat()}"'
        in page.replace("&#x27;", "'")
    )


def test_the_page_asks_for_news_and_stops_when_it_is_done(browser: Client, owner: Membership) -> None:
    key, _ = under_way(owner)
    url = f"/keys/{key.public_id}"
    page = browser.get(url).content.decode()
    assert "htmx.min.js" in page
    assert f'hx-get="{url}?seen=asked-2" hx-trigger="every 2s"' in page
    assert 'aria-live="polite"' in page
    assert f'<noscript><p>This page can\'t follow it without JavaScript. <a href="{url}">' in page.replace(
        "&#x27;", "'"
    )
    assert browser.get(f"{url}?seen=asked-2", headers=HTMX).status_code == 204

    Operation.objects.update(state="running", owner="w", lease_until=now())
    news = browser.get(f"{url}?seen=asked-2", headers=HTMX).content.decode()
    assert "<html" not in news
    assert "?seen=telling-2" in news
    assert 'id="said" hx-swap-oob' in news

    Operation.objects.update(state="succeeded", finished_at=now())
    IssuedKey.objects.update(
        status="active", activated_at=now(), fingerprint=random_base62(8), sealed_secret="sealed"
    )
    news = browser.get(f"{url}?seen=telling-2", headers=HTMX).content.decode()
    assert "Reveal the secret" in news
    assert "csrfmiddlewaretoken" in news
    assert "hx-get" not in news
    assert "htmx.min.js" not in browser.get(url).content.decode()


def test_what_fails_for_long_is_asked_for_less_often(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    key, _ = under_way(owner, state="retrying", failing_since=clock())
    assert b'hx-trigger="every 2s"' in browser.get(f"/keys/{key.public_id}").content
    clock.advance(minutes=11)
    assert b'hx-trigger="every 15s"' in browser.get(f"/keys/{key.public_id}").content


def test_what_waits_for_staff_is_not_asked_for(browser: Client, owner: Membership) -> None:
    key, _ = under_way(owner, status="needs_attention", state="needs_attention")
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    assert "there is nothing for you to do" in page
    assert "hx-get" not in page
    assert "htmx" not in page


def test_revoking_is_followed_too(browser: Client, owner: Membership) -> None:
    key, _ = under_way(owner, status="revoking", kind="revoke_key", state="running")
    answer = browser.get(f"/keys/{key.public_id}")
    assert [str(step.words) for step in answer.context["progress"].steps] == [
        "Refused by the portal", "Gateway is being told", "Revoked",
    ]  # fmt: skip
    assert b"hx-get" in answer.content


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("auth0_scope_not_offered", "a right that the gateway doesn't offer"),
        ("invalid_lifetime", "a lifetime that the gateway doesn't allow"),
        ("auth0_organization_full", "Revoke one that nobody needs first."),
        ("anything_else", "The gateway refused to create it."),
    ],
)
def test_a_failure_says_what_happened_and_what_to_do(
    browser: Client, owner: Membership, code: str, told: str
) -> None:
    key, _ = under_way(
        owner, status="failed", state="failed", finished_at=now(), error_code=code, error_detail="tenant acme"
    )
    page = text_of(browser.get(f"/keys/{key.public_id}")).replace("&#x27;", "'")
    assert told in page
    assert "Nothing of it exists, and it doesn't count against your plan." in page
    assert f"/keys/new?like={key.public_id}" in page
    assert code not in page
    assert "tenant acme" not in page


def test_signed_out_meanwhile_the_whole_page_is_loaded(owner: Membership) -> None:
    key, _ = under_way(owner)
    answer = Client().get(f"/keys/{key.public_id}?seen=asked-2", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")
    assert b"production" not in answer.content


def test_strangers_get_no_news(owner: Membership) -> None:
    key, _ = under_way(owner)
    stranger = sign_in(MembershipFactory().user)
    assert stranger.get(f"/keys/{key.public_id}?seen=asked-2", headers=HTMX).status_code == 404


def test_page_and_news_stay_within_their_budget(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any
) -> None:
    key, _ = under_way(owner)
    browser.get("/keys")
    for headers in ({}, HTMX):
        with django_assert_max_num_queries(12):
            assert browser.get(f"/keys/{key.public_id}", headers=headers).status_code == 200
