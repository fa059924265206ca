"""Passkeys in a real browser with a virtual authenticator: added, and used to sign in with nothing else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.real.browser import Watched, chromium, press
from tests.real.database import fresh_database
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def named_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal reached by a name: browsers know no passkeys for an address."""
    folder = tmp_path_factory.mktemp("named")
    with fresh_database(folder) as url:
        portal = Portal(folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        portal.url = f"http://localhost:{portal.port}"
        portal.environ["PORTAL_BASE_URL"] = portal.url
        try:
            yield portal.start()
            assert portal.stop() == 0, portal.log[-3000:]
        finally:
            portal.clean_up()


@pytest.fixture
def page() -> Iterator[Page]:
    """Fails in the end for what the CSP or a script complained of."""
    with chromium() as browser:
        watched = Watched(browser)
        yield watched.open()
        watched.close()


def with_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def add_passkey(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/settings/security")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/webauthn/add/")
    page.get_by_label("Name").fill("Laptop")
    press(page, "Add a passkey")
    page.get_by_role("heading", name="Recovery codes").wait_for()


def sign_out(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/accounts/logout/")
    press(page, "Sign out")
    page.wait_for_url(lambda url: "/logout/" not in url)


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail").fill(STAFF_EMAIL)
    page.get_by_label("Password", exact=True).fill(STAFF_PASSWORD)
    press(page, "Sign in")
    page.wait_for_url(lambda url: "/login/" not in url)


def test_a_passkey_is_added_and_signs_in_alone(named_portal: Portal, page: Page) -> None:
    with_authenticator(page)
    page.goto(f"{named_portal.url}/accounts/login/")
    sign_in(page)
    add_passkey(page, named_portal)
    codes = page.locator("#codes").inner_text().split()
    assert len(set(codes)) == 10
    page.reload()
    assert page.locator("#codes").count() == 0, "they are shown once"
    page.goto(f"{named_portal.url}/settings/security")
    page.get_by_text("Laptop").first.wait_for()

    sign_out(page, named_portal)
    page.goto(f"{named_portal.url}/accounts/login/?next=/settings/security")
    press(page, "Sign in with a passkey")
    page.get_by_role("heading", name="Security", exact=True).wait_for()
    page.get_by_text("Laptop").first.wait_for()

    # After the password it is the second step, and the password alone gets nobody further.
    sign_out(page, named_portal)
    page.goto(f"{named_portal.url}/accounts/login/?next=/settings/security")
    sign_in(page)
    page.get_by_role("heading", name="Second step").wait_for()
    press(page, "Use a passkey")
    page.get_by_role("heading", name="Security", exact=True).wait_for()


def test_an_authenticator_without_a_passkey_signs_nobody_in(named_portal: Portal, page: Page) -> None:
    with_authenticator(page)
    page.goto(f"{named_portal.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("No passkey was used").wait_for()
    assert page.url.endswith("/accounts/login/")
