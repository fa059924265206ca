"""Pages of keys that are OAuth clients: what is shown, the commands, how long tokens outlive a key."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import transaction
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.sealing import seal
from portal.models import Membership, Operation
from portal.services.audit import Action, record
from portal.web.keys.quickstart import quickstart
from provisioning.secret import Secret
from tests.conftest import Clock
from tests.oauth import PUBLIC, auth0_enabled, oauth_key
from tests.real.required import require

pytestmark = pytest.mark.django_db
HOSTILE = "https://api.example.com/?a=1&b=2+3 'one' \"two\" $HOME `id` %41 \\n ü #"


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


@pytest.fixture
def token_endpoint() -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """Where it is, and the forms that it was sent. It wants the secret ``right``."""
    forms: list[dict[str, list[str]]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            forms.append(parse_qs(body, strict_parsing=True))
            right = forms[-1]["client_secret"] == ["right $%'&+"]
            told = (
                {"access_token": "eyJ.abc-_.def", "expires_in": 86400}
                if right
                else {"error": "access_denied"}
            )
            self.send_response(200 if right else 401)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/oauth/token", forms
        server.shutdown()


def run_pasted(owner: Membership, token_url: str, secret: str) -> str:
    """What a plain shell prints when the second step is pasted into it, and the token that it has then."""
    require(shutil.which("curl"), "curl is not installed")
    public = {"client_id": f"id {HOSTILE}", "token_url": token_url, "audience": HOSTILE}
    _, fetch, call = quickstart(oauth_key(owner, public=public), "https://portal.example.com")
    assert "$ACCESS_TOKEN" in call.command
    script = f"{fetch.command}\nprintf '[%s]' \"$ACCESS_TOKEN\""
    done = subprocess.run(
        ["sh", "-eu", "-c", script], env={"PATH": "/usr/bin:/bin", "CLIENT_SECRET": secret, "HOME": "/"},
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_the_pasted_command_fetches_a_token_whatever_the_values_hold(
    owner: Membership, token_endpoint: tuple[str, list[Any]]
) -> None:
    url, forms = token_endpoint
    assert run_pasted(owner, url, "right $%'&+") == "[eyJ.abc-_.def]"
    assert forms == [
        {
            "grant_type": ["client_credentials"], "client_id": [f"id {HOSTILE}"], "audience": [HOSTILE],
            "client_secret": ["right $%'&+"],
        }
    ]  # fmt: skip


def test_the_pasted_command_prints_a_refusal(
    owner: Membership, token_endpoint: tuple[str, list[Any]]
) -> None:
    assert run_pasted(owner, token_endpoint[0], "wrong") == '{"error": "access_denied"}\n[]'


def test_revoking_and_rotating_say_that_tokens_live_on(browser: Client, owner: Membership) -> None:
    key = oauth_key(owner)
    assert "those fetched before work up to 24 hours longer" in page_of(browser, key, "/revoke")
    assert "Access tokens fetched with it work up to 24 hours longer" in page_of(browser, key, "/rotate")


def test_a_revoked_key_says_until_when_its_tokens_work(
    browser: Client, owner: Membership, clock: Clock
) -> None:
    key = oauth_key(owner, status="revoked", revoked_at=clock())
    until = clock() + timedelta(hours=24)
    told = f"{until:%H:%M} UTC</time> at the latest."
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
    assert f"{clock() + timedelta(hours=24):%H:%M} UTC</time> at the latest." in page_of(browser, key)


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
    assert [event["words"] for event in history] == [told]
