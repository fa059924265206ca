"""The story of the product: from signing up to a call that an API behind a verifying gateway answers.

The new user reads the portal's pages and mails, and nothing else.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import jwt
import pytest
from playwright.sync_api import Page

from tests.gateways.asked import Asked
from tests.gateways.gateway import Gateway
from tests.gateways.test_caddy import start as start_caddy
from tests.gateways.upstream import Upstream
from tests.real.browser import Watched, press
from tests.real.portal import Portal
from tests.real.required import require
from tests.real.story import PASSWORD, look, mailed_link, reveal, revoke, story_portal
from tests.real.tls_proxy import TlsProxy


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Gateway]]:
    """A portal that knows its API's address, and the gateway there, which asks it about keys."""
    require(shutil.which("curl"), "curl is not installed")
    folder = tmp_path_factory.mktemp("new-user")
    with (
        Upstream().serving() as api,
        story_portal(folder, PORTAL_SIGNUP="open") as portal,
        TlsProxy(portal.url, folder).serving() as proxy,
        start_caddy(Asked(portal, proxy), api, folder) as gateway,
    ):
        portal.environ["PORTAL_API_URL"] = f"http://127.0.0.1:{gateway.port}/orders"
        portal.start()
        yield portal, gateway


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (768, "dark"), (1440, "light")])
def test_from_signing_up_to_an_answer_of_the_api(
    behind: tuple[Portal, Gateway], watched: Watched, width: int, scheme: str
) -> None:
    portal, gateway = behind
    page = watched.open(width=width, scheme=scheme)
    sign_up(page, portal, f"ada{width}@new.example")
    found_the_company(page, f"Company of {width}")
    create_first_key(page)
    secret = reveal(page)
    look(page)
    copied(page, secret)
    call_as_the_page_says(page, secret)
    replace_it(page, gateway, secret)


def sign_up(page: Page, portal: Portal, email: str) -> None:
    page.goto(portal.url)
    look(page)
    press(page, "Create an account")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    look(page)
    press(page, "Create the account")
    page.get_by_role("heading", name="Look into your mail").wait_for()
    look(page)
    page.goto(mailed_link(portal, email, "/accounts/confirm-email/"))
    look(page)
    press(page, "Yes, confirm")


def found_the_company(page: Page, name: str) -> None:
    page.get_by_role("heading", name="Welcome, Ada Lovelace").wait_for()
    look(page)
    page.get_by_label("Company name").fill(name)
    press(page, "Set it up")
    page.get_by_role("heading", name="First steps").wait_for()
    page.get_by_text("0 of").or_(page.get_by_text("without a limit")).first.wait_for()
    look(page)


def create_first_key(page: Page) -> None:
    page.get_by_role("link", name="Create a key").click()
    page.get_by_label("Name").fill("Production")
    look(page)
    press(page, "Create the key")
    page.get_by_text("Your key is ready.").wait_for()
    look(page)


def copied(page: Page, secret: str) -> None:
    press(page, "Copy")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == secret


def call_as_the_page_says(page: Page, secret: str) -> None:
    """Paste what the page shows into a shell, in which the secret stands where the page says."""
    export = re.fullmatch(r"export (\w+)='…'", page.locator("#step-export").inner_text())
    assert export is not None
    environ = {"PATH": os.environ["PATH"], export[1]: secret}
    tried = run_in_a_shell(page.locator("#step-verify").inner_text(), environ)
    assert " 204" in tried.partition("\n")[0], tried
    told = run_in_a_shell(page.locator("#snippet-curl").inner_text(), environ)
    reached = json.loads(told)["headers"]  # the API answers nothing but 200 with what reached it
    claims = jwt.decode(secret, options={"verify_signature": False})
    assert reached["x-org-id"] == claims["org_id"]
    assert reached["x-key-id"] == page.url.split("/")[-2]
    assert "authorization" not in reached
    assert secret not in page.locator("#snippet-curl").inner_text()


def run_in_a_shell(command: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def replace_it(page: Page, gateway: Gateway, old: str) -> None:
    """Rotate with an overlap, go over to the new key, and end the old one before its time."""
    press(page, "I have kept it, go on to the key")
    page.get_by_role("heading", name="Production", exact=True).wait_for()
    assert old not in page.content(), "it is shown once"
    press(page, "Rotate")
    page.get_by_label("Keep the present key working for").select_option("1d")
    look(page)
    press(page, "Rotate the key")
    page.get_by_text("The key that this one replaces stops working").wait_for()
    look(page)
    new = reveal(page)
    assert [gateway.call(secret).status for secret in (old, new)] == [200, 200]

    page.go_back()
    press(page, "Show the old key")
    assert re.fullmatch(r"in 23 h \d+ min", page.locator("time[data-left]").first.inner_text())
    look(page)
    press(page, "End it now")
    page.get_by_role("heading", name="Revoke Production?").wait_for()
    look(page)
    page.get_by_label("Type “Production” to confirm").fill("Productoin")
    press(page, "Revoke the key")
    page.get_by_text("Nothing was changed.").wait_for()
    assert gateway.call(old).status == 200
    revoke(page, "Production")
    look(page)
    assert [gateway.call(secret).status for secret in (old, new)] == [401, 200]
