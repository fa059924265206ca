"""The main story in a real browser: from the staff admin to the revealed key, without a CSP violation."""

import re
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.required import require

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH_CSP = """
addEventListener('securitypolicyviolation', event =>
  cspViolations(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM.exists(), "Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def violations() -> list[str]:
    return []


@pytest.fixture
def open_page(browser: Browser, violations: list[str]):  # type: ignore[no-untyped-def]
    contexts = []

    def open_page() -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.expose_function("cspViolations", violations.append)
        page.add_init_script(WATCH_CSP)
        page.on("pageerror", lambda error: violations.append(f"script error: {error}"))
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(url)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def set_password_by_mail(page: Page, portal: Portal, email: str, password: str) -> None:
    """As the customer's new user does: ask for the mail, follow its link, choose a password."""
    page.goto(f"{portal.url}/accounts/password/reset/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("main").get_by_role("button").first.click()
    link = re.findall(r"http://\S+/accounts/password/reset/key/\S+", portal.log)[-1]
    page.goto(link.replace("127.0.0.1", "127.0.0.1"))
    page.get_by_label("New password", exact=True).fill(password)
    page.get_by_label(re.compile("again", re.IGNORECASE)).fill(password)
    page.get_by_role("main").get_by_role("button").first.click()


def test_from_the_admin_to_a_revealed_key(portal: Portal, open_page, violations: list[str]) -> None:  # type: ignore[no-untyped-def]
    email, password = "ada@story.example", "a customer's password 99"

    staff = open_page()
    sign_in(staff, f"{portal.url}/admin/", STAFF_EMAIL, STAFF_PASSWORD)
    staff.goto(f"{portal.url}/admin/portal/customer/add/")
    staff.get_by_label("Name").fill("Story Ltd")
    staff.get_by_role("button", name=re.compile("^Save")).first.click()
