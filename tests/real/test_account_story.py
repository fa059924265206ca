"""An account's life in the browser: settings, sessions, passwords, addresses, tokens, and its end."""

import json
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.real.browser import Watched, press
from tests.real.portal import Portal
from tests.real.story import (
    LONG_AGO,
    PASSWORD,
    create_key,
    fill_sign_in,
    found_company,
    look,
    look_small_and_dark,
    mailed_link,
    sign_in,
)

NUMBERS = count(1)


@pytest.fixture
def email(portal: Portal) -> str:
    return found_company(portal, f"Account {next(NUMBERS)}", ada="owner")["ada"]


@pytest.fixture
def page(portal: Portal, watched: Watched, email: str) -> Page:
    """Signed in."""
    page = watched.open()
    sign_in(page, portal, email, at="/settings")
    return page


def sign_out(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/accounts/logout/")
    press(page, "Sign out")
    page.wait_for_url(lambda url: "/logout/" not in url)


def test_language_and_time_zone_are_chosen(portal: Portal, page: Page) -> None:
    signed_in = page.locator("section[aria-labelledby=sessions] time").last
    shown = []
    for zone in ("Asia/Kathmandu", "America/St_Johns"):
        page.goto(f"{portal.url}/settings")
        page.get_by_label("Time zone").select_option(zone)
        press(page, "Save")
        page.get_by_text("Your profile is saved.").wait_for()
        page.goto(f"{portal.url}/settings/security")
        shown.append(signed_in.inner_text())
    assert shown[0] != shown[1]
    page.goto(f"{portal.url}/settings")
    page.get_by_label("Language").select_option("de")
    press(page, "Save")
    page.get_by_role("heading", name="Profil", exact=True).wait_for()
    assert page.locator("html").get_attribute("lang") == "de"
    look(page)


def test_other_browsers_are_listed_and_signed_out(
    portal: Portal, watched: Watched, page: Page, email: str
) -> None:
    other = watched.open(width=390, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
    sign_in(other, portal, email)
    page.goto(f"{portal.url}/settings/security")
    page.get_by_text("Firefox").first.wait_for()
    look(page)
    press(page, "Sign out elsewhere")
    page.get_by_text("This one").wait_for()
    expect(page.get_by_text("Firefox")).to_have_count(0)
    other.goto(f"{portal.url}/dashboard")
    other.get_by_role("heading", name="Sign in").wait_for()


def test_a_forgotten_password_is_set_by_mail(portal: Portal, watched: Watched, email: str) -> None:
    page = watched.open(width=390)
    page.goto(f"{portal.url}/accounts/login/")
    page.get_by_role("link", name="Set a password by mail").click()
    page.get_by_label("E-mail").fill(email)
    press(page, "Send the link")
    page.get_by_role("heading", name="Look into your mail").wait_for()
    page.goto(mailed_link(portal, email, "/accounts/password/reset/key/"))
    for field in page.locator("main input[type=password]").all():
        field.fill("quite another password 7")
    look_small_and_dark(page)
    press(page, "Save the password")
    page.get_by_role("heading", name="Your password is saved").wait_for()
    page.goto(f"{portal.url}/accounts/login/?next=/settings")
    fill_sign_in(page, email)
    page.get_by_role("heading", name="Sign in").wait_for()
    look(page)
    fill_sign_in(page, email, "quite another password 7")
    page.get_by_role("heading", name="Profile", exact=True).wait_for()


def test_the_address_is_changed(portal: Portal, page: Page, email: str) -> None:
    new = f"new-{email}"
    page.get_by_role("link", name="Change the e-mail address").click()
    page.get_by_label("E-mail").fill(new)
    press(page, "Add the address")
    page.get_by_text("Not confirmed").wait_for()
    look_small_and_dark(page)
    page.goto(mailed_link(portal, new, "/accounts/confirm-email/"))
    press(page, "Yes, confirm")
    page.goto(f"{portal.url}/accounts/email/")
    press(page, f"Make {new} primary")
    press(page, f"Remove {email}")
    expect(page.get_by_text(email, exact=True)).to_have_count(0)
    sign_out(page, portal)
    sign_in(page, portal, new, at="/settings")


def test_an_access_token_is_shown_once_and_revoked(portal: Portal, page: Page) -> None:
    page.goto(f"{portal.url}/settings/tokens")
    press(page, "Create the first access token")
    page.get_by_label("Name").fill("Nightly report")
    page.locator("input[name=scopes][value='keys:read']").check()
    look(page)
    press(page, "Create and show it")
    page.get_by_role("heading", name="Access token Nightly report").wait_for()
    token = page.locator("#token").input_value()
    look_small_and_dark(page)
    asked = {"authorization": f"Bearer {token}"}
    assert portal.get("/api/v1/keys", **asked).status == 200
    press(page, "Copy")
    assert page.evaluate("navigator.clipboard.readText()") == token
    page.goto(f"{portal.url}/settings/tokens")
    assert token not in page.content()
    page.get_by_text("Nightly report").first.wait_for()
    press(page, "Revoke Nightly report")
    page.get_by_role("heading", name="Revoke Nightly report?").wait_for()
    look(page)
    press(page, "Revoke the access token")
    page.wait_for_url("**/settings/tokens")
    assert portal.get("/api/v1/keys", **asked).status == 401


def test_what_is_kept_is_downloaded_and_then_deleted(portal: Portal, page: Page, email: str) -> None:
    create_key(page, portal, "Nobody's soon")
    page.goto(f"{portal.url}/settings/data")
    with page.expect_download() as downloading:
        press(page, "Download")
    told = json.loads(downloading.value.path().read_text())
    assert email in json.dumps(told)
    assert "Nobody's soon" in json.dumps(told)

    portal.manage("shell", "-c", LONG_AGO)
    press(page, "Delete your account")
    page.get_by_role("heading", name="Confirm that it's you").wait_for()
    look_small_and_dark(page)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Confirm")
    page.get_by_role("heading", name="Delete your account?").wait_for()
    page.get_by_text("Is deleted, too").wait_for()
    look_small_and_dark(page)
    page.get_by_label(f"Type “{email}” to confirm").fill(email)
    press(page, "Delete my account")
    page.get_by_role("heading", name="Your account is deleted").wait_for()
    page.goto(f"{portal.url}/accounts/login/")
    fill_sign_in(page, email)
    page.get_by_role("heading", name="Sign in").wait_for()
