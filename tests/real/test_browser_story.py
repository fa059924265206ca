"""The main story in a real browser: from the staff admin to the revealed key, without a CSP violation."""

import re
from collections.abc import Callable

import jwt
import pytest
from playwright.sync_api import Browser, Page

from portal.core.recipes import recipes
from tests.real.browser import WATCH_CSP, Watched, press
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal

EMAIL, PASSWORD = "ada@story.example", "a customer's password 99"


@pytest.fixture
def open_page(watched: Watched) -> Callable[[], Page]:
    return watched.open


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
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
    customer.get_by_label("E-mail").fill(EMAIL)
    press(customer, "Send the link")
    link = re.findall(r"http://[^\s\"<>]+/accounts/password/reset/key/[^\s\"<>]+", portal.log)[-1]
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
    customer.get_by_role("button", name="Reveal the secret").dblclick()  # as some people click everything
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
    customer.get_by_label("Type “Production” to confirm").fill("Production")
    customer.get_by_role("main").get_by_role("button", name=re.compile("Revoke")).last.click()
    customer.get_by_text("Revoked").first.wait_for()
    assert portal.get("/api/v1/verify", authorization=f"Bearer {secret}").status == 401


QUEUE = """
from datetime import timedelta
from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import Operation
from portal.services.customers import create_customer
from portal.services.members import add_member
from portal.services.operations.queue import new_operation
member = add_member(SYSTEM, create_customer(SYSTEM, name="Live Ltd").pk, email="live@live.example")
after = now() + timedelta(seconds=55)
print(new_operation(Operation.Kind.PROVISION, "gone", member.customer, user=member.user, run_after=after).pk)
"""
"""Work at a plugin that is not enabled: taken up by a worker, it stops for a person."""
MAKE_DUE = """
from portal.core.actor import SYSTEM
from portal.services.operations.change import retry_operation
retry_operation(SYSTEM, {})
"""


def test_progress_is_followed_without_loading_the_page_again(
    portal: Portal, open_page: Callable[[], Page]
) -> None:
    staff = open_page()
    staff.goto(f"{portal.url}/admin/")
    sign_in(staff, STAFF_EMAIL, STAFF_PASSWORD)
    operation = portal.manage("shell", "-c", QUEUE).stdout.split()[-1]
    for page in ("progress", "change"):
        staff.goto(f"{portal.url}/admin/portal/operation/{operation}/{page}/")
        if page == "progress":
            staff.evaluate("window.kept = true")
            staff.get_by_text("Waiting for a worker").wait_for()
            portal.manage("shell", "-c", MAKE_DUE.format(operation))
            staff.get_by_text("It needs a person").wait_for()
            assert staff.evaluate("window.kept"), "it was loaded again"
        staff.get_by_text("Put the plugin back into PLUGIN_APIM_PROVIDER").first.wait_for()
        staff.get_by_role("link", name="Retry", exact=True).wait_for()


ADMIN_PAGES = [
    "", "customer/", "customer/add/", "user/", "user/add/", "membership/", "subscription/", "subscription/add/",
    "plan/", "plan/add/", "issuedkey/", "operation/", "pluginstate/", "signingkey/", "managementtoken/",
    "phonetoken/", "auditevent/",
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


def test_a_gateways_configuration_is_copied_whole(portal: Portal, open_page: Callable[[], Page]) -> None:
    staff = open_page()
    staff.goto(f"{portal.url}/admin/")
    sign_in(staff, STAFF_EMAIL, STAFF_PASSWORD)
    staff.get_by_role("link", name="Connect a gateway").first.click()
    staff.get_by_role("link", name="Tyk", exact=True).click()
    staff.get_by_role("button", name="Copy tyk.yaml").click()
    staff.get_by_role("button", name="Copy tyk.yaml").get_by_text("Copied").wait_for()
    copied = staff.evaluate("navigator.clipboard.readText()")
    assert copied == portal.manage("gateway_config", "tyk").stdout.strip()
    assert f"{portal.url}/.well-known/jwks.json" in copied
    for recipe in recipes():
        answer = staff.goto(f"{portal.url}/admin/gateways/{recipe}/")
        assert answer is not None
        assert answer.status == 200, recipe


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
