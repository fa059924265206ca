"""Second factors in the browser, and the account pages that only somebody under way ever sees."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.fakes.oidc.process import OIDCProcess
from tests.mfa import App
from tests.real.browser import press
from tests.real.portal import Portal
from tests.real.story import (
    LONG_AGO,
    fill_sign_in,
    found_company,
    look_small_and_dark,
    sign_in,
    story_portal,
)
from tests.real.test_account_story import sign_out
from tests.real.test_passkeys import with_authenticator


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Reached by a name, for passkeys, and with an identity provider."""
    folder = tmp_path_factory.mktemp("factors")
    with story_portal(folder, host="localhost", PORTAL_SIGNUP="open") as portal:
        back = f"{portal.url}/accounts/oidc/acme/login/callback/"
        with OIDCProcess({"nobody": {"name": "Grace Hopper"}}, back) as provider:
            portal.environ |= provider.variables("ACME")
            yield portal.start()


def is_asked(page: Page, heading: str) -> None:
    """The page with that heading is open, and good to look at."""
    page.get_by_role("heading", name=heading).first.wait_for()
    look_small_and_dark(page)


def give_code(page: Page, code: str, button: str) -> None:
    page.locator("main input[name=code]").fill(code)
    press(page, button)


def test_an_authenticator_app_is_added_used_and_removed(portal: Portal, page: Page) -> None:
    email = found_company(portal, "Factors", ada="owner")["ada"]
    sign_in(page, portal, email, at="/settings/security")
    app, codes = add_app(page)

    sign_out(page, portal)
    page.goto(f"{portal.url}/accounts/login/?next=/settings/security")
    fill_sign_in(page, email)
    is_asked(page, "Second step")
    give_code(page, "000000", "Sign in")
    is_asked(page, "Second step")
    give_code(page, app.code(1), "Sign in")
    page.get_by_role("heading", name="Security", exact=True).wait_for()

    sign_out(page, portal)
    page.goto(f"{portal.url}/accounts/login/?next=/settings/security")
    fill_sign_in(page, email)
    give_code(page, codes[0], "Sign in")
    page.get_by_text("9 unused").wait_for()
    look_small_and_dark(page)

    portal.manage("shell", "-c", LONG_AGO)
    press(page, "New codes")
    is_asked(page, "Confirm that it's you")
    give_code(page, codes[1], "Confirm")
    is_asked(page, "Make new recovery codes?")
    press(page, "Make new codes")
    is_asked(page, "Recovery codes")
    assert set(codes).isdisjoint(page.locator("#codes").inner_text().split())
    page.reload()
    page.get_by_text("They were shown once already").wait_for()
    look_small_and_dark(page)

    page.goto(f"{portal.url}/settings/security")
    press(page, "Remove the authenticator app")
    is_asked(page, "Remove the authenticator app?")
    press(page, "Remove the app")
    page.get_by_role("button", name="Add an authenticator app").wait_for()


def add_app(page: Page) -> tuple[App, list[str]]:
    """The app, and the recovery codes that come with it."""
    press(page, "Add an authenticator app")
    is_asked(page, "Add an authenticator app")
    page.get_by_text("Type it instead").click()
    app = App("".join(page.locator("#app-secret").inner_text().split()))
    give_code(page, app.code(), "Add the app")
    is_asked(page, "Recovery codes")
    codes = page.locator("#codes").inner_text().split()
    assert len(set(codes)) == 10
    press(page, "I have kept them")
    page.get_by_text("10 unused").wait_for()
    return app, codes


def test_a_passkey_is_added_renamed_and_removed(portal: Portal, page: Page) -> None:
    with_authenticator(page)
    sign_in(page, portal, found_company(portal, "Passkeys", ada="owner")["ada"], at="/settings/security")
    press(page, "Add a passkey")
    is_asked(page, "Add a passkey")
    page.get_by_label("Name").fill("Laptop")
    press(page, "Add a passkey")
    page.get_by_role("heading", name="Recovery codes").wait_for()
    press(page, "I have kept them")
    page.get_by_role("link", name="Rename Laptop").click()
    is_asked(page, "Rename the passkey")
    page.get_by_label("Name").fill("Old laptop")
    press(page, "Save")

    page.goto(f"{portal.url}/settings/security")
    page.get_by_role("link", name="Remove Old laptop").click()
    is_asked(page, "Remove “Old laptop”?")

    # An open laptop is not enough: some time later it takes the passkey itself.
    portal.manage("shell", "-c", LONG_AGO)
    press(page, "Remove the passkey")
    is_asked(page, "Confirm that it's you")
    page.get_by_text("Confirm first, then do it once more.").wait_for()
    press(page, "Use a passkey")
    is_asked(page, "Remove “Old laptop”?")
    press(page, "Remove the passkey")
    page.get_by_text("The passkey is removed.").wait_for()
    assert page.get_by_role("link", name="Remove Old laptop").count() == 0


def test_a_provider_that_tells_no_address_is_made_up_for(portal: Portal, page: Page) -> None:
    page.goto(f"{portal.url}/accounts/login/")
    press(page, "Continue with Acme")
    page.get_by_text("Who are you?").wait_for()
    page.goto(f"{page.url}?as=nobody")
    is_asked(page, "Almost there")
    page.get_by_label("E-mail").fill("grace@provider.example")
    press(page, "Create the account")
    is_asked(page, "Look into your mail")
