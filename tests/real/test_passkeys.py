"""Passkeys in a real browser with a virtual authenticator: added, used to sign in and to confirm, removed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.mfa import App
from tests.real.browser import press
from tests.real.database import fresh_database
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.story import LONG_AGO, found_company
from tests.real.story import sign_in as sign_in_at

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


class VirtualAuthenticator:
    """Of one page."""

    def __init__(self, devtools: CDPSession) -> None:
        self._devtools = devtools
        devtools.send("WebAuthn.enable")
        self._id = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})[
            "authenticatorId"
        ]

    def know_the_user(self, *, known: bool) -> None:
        """Whether the next fingerprints are the right ones."""
        self._devtools.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": known}
        )


def with_authenticator(page: Page) -> VirtualAuthenticator:
    return VirtualAuthenticator(page.context.new_cdp_session(page))


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


def ask_to_remove(page: Page, portal: Portal) -> None:
    """On the security page of somebody who signed in an hour ago."""
    portal.manage("shell", "-c", LONG_AGO)
    page.goto(f"{portal.url}/settings/security")
    page.get_by_role("link", name="Remove Laptop").click()
    page.get_by_role("heading", name="Confirm that it's you").wait_for()


def remove_passkey(page: Page) -> None:
    """On the page that the confirmation leads to."""
    page.get_by_role("heading", name="Remove “Laptop”?").wait_for()
    press(page, "Remove the passkey")
    page.wait_for_url("**/settings/security")
    page.get_by_text("The passkey is removed.").wait_for()
    assert page.get_by_role("link", name="Remove Laptop").count() == 0


def test_a_passkey_confirms_its_own_removal(named_portal: Portal, page: Page) -> None:
    authenticator = with_authenticator(page)
    email = found_company(named_portal, "Confirming", ada="owner")["ada"]
    sign_in_at(page, named_portal, email, at="/settings/security")
    add_passkey(page, named_portal)
    ask_to_remove(page, named_portal)

    authenticator.know_the_user(known=False)
    for _ in range(2):
        press(page, "Use a passkey")
        expect(page.get_by_role("alert")).to_have_text("No passkey was used. Try again, or use another way.")
    authenticator.know_the_user(known=True)

    # The same page in another tab has the newer challenge: this one's is refused, and asked anew.
    page.context.new_page().goto(page.url)
    press(page, "Use a passkey")
    page.get_by_text("This passkey wasn't accepted.").wait_for()
    press(page, "Use a passkey")
    remove_passkey(page)


def test_a_code_confirms_the_removal_of_a_passkey(named_portal: Portal, page: Page) -> None:
    with_authenticator(page)
    email = found_company(named_portal, "Coding", ada="owner")["ada"]
    sign_in_at(page, named_portal, email, at="/settings/security")
    add_passkey(page, named_portal)
    app = add_app(page, named_portal)
    ask_to_remove(page, named_portal)

    page.get_by_role("button", name="Use a code").click()
    page.get_by_label("Code").fill(app.code(1))
    press(page, "Confirm")
    remove_passkey(page)


def add_app(page: Page, portal: Portal) -> App:
    page.goto(f"{portal.url}/accounts/2fa/totp/activate/")
    page.get_by_text("Type it instead").click()
    app = App("".join(page.locator("#app-secret").inner_text().split()))
    page.get_by_label("Code from the app").fill(app.code())
    press(page, "Add the app")
    page.get_by_text("The authenticator app is added.").wait_for()
    return app
