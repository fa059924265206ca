"""The main story in a real browser: from the staff admin to the revealed key, without a CSP violation."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.required import require

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH_CSP = """
addEventListener('securitypolicyviolation', event =>
  violated(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`))
"""
EMAIL, PASSWORD = "ada@story.example", "a customer's password 99"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM.exists(), "Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Opens pages in sessions of their own; fails in the end for what the CSP or a script complained of."""
    contexts, complaints = [], []

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what a navigation cuts short is nobody's fault
            complaints.append(f"not loaded: {request.url} {request.failure}")

    def open_page() -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.expose_function("violated", lambda what: complaints.append(what))
        page.add_init_script(WATCH_CSP)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on("requestfailed", failed)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    press(page, "Sign in")


def issue_in_the_admin(staff: Page, url: str) -> None:
    staff.goto(f"{url}/admin/")
    sign_in(staff, STAFF_EMAIL, STAFF_PASSWORD)
    staff.goto(f"{url}/admin/portal/customer/add/")
    staff.get_by_label("Name").fill("Story Ltd")
    staff.get_by_role("button", name="Save", exact=True).click()
    staff.get_by_role("link", name="Story Ltd").first.click()
    staff.get_by_text("Add member", exact=True).first.click()
    staff.get_by_label("E-mail").fill(EMAIL)
    staff.get_by_role("button", name="Add member").click()
    staff.get_by_text("Issue key", exact=True).first.click()
    staff.get_by_label("Name").fill("Production")
    staff.get_by_role("button", name="Issue key").click()
    staff.get_by_text(f"issued for {EMAIL}").wait_for()


def set_first_password(customer: Page, portal: Portal) -> None:
    customer.goto(f"{portal.url}/accounts/password/reset/")
    customer.get_by_label("Email").fill(EMAIL)
    press(customer, "Send the link")
    link = re.findall(r"http://\S+/accounts/password/reset/key/\S+", portal.log)[-1]
    customer.goto(link)
    for field in customer.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    press(customer, "Save the password")


def test_from_the_admin_to_a_revealed_key(portal: Portal, open_page: Callable[[], Page]) -> None:
    staff, customer = open_page(), open_page()
    issue_in_the_admin(staff, portal.url)
    set_first_password(customer, portal)
    customer.goto(f"{portal.url}/keys")
    sign_in(customer, EMAIL, PASSWORD)
    customer.get_by_role("link", name="Production").first.click()
    press(customer, "Reveal the secret")
    secret = customer.locator("textarea").input_value()
    press(customer, "Copy")
    assert customer.evaluate("navigator.clipboard.readText()") == secret

    # A real JWKS client accepts what the page showed.
    client = jwt.PyJWKClient(f"{portal.url}/.well-known/jwks.json")
    claims = jwt.decode(
        secret, client.get_signing_key_from_jwt(secret).key, algorithms=["RS256"], issuer=portal.url
    )
    assert claims["org_id"].startswith("cus_")

    # It is shown once: neither a reload nor the key's page shows it again, nor does staff see it.
    customer.reload()
    assert secret not in customer.content()
    customer.goto(f"{portal.url}/keys")
    customer.get_by_role("link", name="Production").first.click()
    assert secret not in customer.content()
    assert customer.get_by_role("button", name="Reveal the secret").count() == 0
    staff.goto(f"{portal.url}/admin/portal/issuedkey/")
    staff.get_by_role("link", name="Production").first.click()
    assert secret not in staff.content()

    # Revoked by the customer, it is refused at once.
    assert portal.get("/api/v1/verify", authorization=f"Bearer {secret}").status == 204
    customer.get_by_text("Revoke", exact=True).first.click()
    customer.get_by_role("main").get_by_role("button", name=re.compile("Revoke")).last.click()
    customer.get_by_text("Revoked").first.wait_for()
    assert portal.get("/api/v1/verify", authorization=f"Bearer {secret}").status == 401


ADMIN_PAGES = [
    "", "customer/", "customer/add/", "user/", "user/add/", "membership/", "subscription/", "subscription/add/",
    "plan/", "plan/add/", "issuedkey/", "operation/", "signingkey/", "managementtoken/", "auditevent/",
]  # fmt: skip
PAGES = [
    "/",
    "/keys",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/api/v1/docs",
    "/nothing-here",
]


def test_no_page_violates_its_policy(portal: Portal, open_page: Callable[[], Page]) -> None:
    page = open_page()
    for path in PAGES:
        page.goto(f"{portal.url}{path}", wait_until="networkidle")
    page.goto(f"{portal.url}/admin/")
    sign_in(page, STAFF_EMAIL, STAFF_PASSWORD)
    for path in ADMIN_PAGES:
        prefix = "/admin/portal/" if path else "/admin/"
        answer = page.goto(f"{portal.url}{prefix}{path}", wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200, path
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_the_policy_is_really_watched(portal: Portal, browser: Browser) -> None:
    """A page that does break it is noticed by what the tests above watch with."""
    seen: list[str] = []
    page = browser.new_page()
    page.expose_function("violated", lambda what: seen.append(what))
    page.add_init_script(WATCH_CSP)
    page.goto(f"{portal.url}/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/x.png\">')")
    page.wait_for_timeout(300)
    page.close()
    assert any("img-src" in complaint for complaint in seen)
