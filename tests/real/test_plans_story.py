"""What staff decide, on both sides of the desk: a new company, a wish for another plan declined and granted."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.real.browser import Watched, press
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal
from tests.real.story import (
    PASSWORD,
    SIZES,
    fill_sign_in,
    found_company,
    look,
    mailed_link,
    sign_in,
    story_portal,
)

PLAN = """
from portal.core.actor import SYSTEM
from portal.services.plans import create_plan
create_plan(SYSTEM, slug="growth", name="Growth", max_keys=42)
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with story_portal(tmp_path_factory.mktemp("plans"), PORTAL_SIGNUP="approval") as portal:
        portal.start().manage("shell", "-c", PLAN)
        yield portal


@pytest.fixture
def staff(portal: Portal, watched: Watched) -> Page:
    page = watched.open()
    page.goto(f"{portal.url}/admin/")
    fill_sign_in(page, STAFF_EMAIL, STAFF_PASSWORD)
    page.wait_for_url("**/admin/")
    return page


def decide(staff: Page, portal: Portal, listed: str, row: str, what: str, answer: str | None = None) -> None:
    """In the admin, on the page of what is listed under that name."""
    staff.goto(f"{portal.url}/admin/portal/{listed}/")
    staff.get_by_role("row", name=row).get_by_role("link").first.click()
    staff.get_by_text(what, exact=True).first.click()
    if answer is not None:
        staff.get_by_role("textbox").last.fill(answer)
    press(staff, what)
    staff.get_by_text(f"{what.lower()}d").first.wait_for()


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_plan_is_asked_for_declined_and_granted(
    portal: Portal, watched: Watched, staff: Page, width: int, scheme: str
) -> None:
    company = f"Growing {width}"
    page = watched.open(width=width, scheme=scheme)
    sign_in(page, portal, found_company(portal, company, ada="owner")["ada"], at="/plans")
    look(page)
    ask(page, "We open a shop")
    decide(staff, portal, "planrequest", company, "Decline", "Tell us first how many shops.")
    page.reload()
    page.get_by_text("“Growth” was declined").wait_for()
    page.get_by_text("The reason: Tell us first how many shops.").wait_for()
    look(page)

    ask(page, "Seven shops")
    decide(staff, portal, "planrequest", company, "Approve")
    page.reload()
    page.get_by_text("“Growth” was approved").wait_for()
    look(page)
    page.goto(f"{portal.url}/dashboard")
    page.get_by_text("0 of 42 keys in use").wait_for()


def ask(page: Page, note: str) -> None:
    press(page, "Ask for Growth")
    page.get_by_role("heading", name="Ask for Growth").wait_for()
    page.get_by_label("Note").fill(note)
    look(page)
    press(page, "Send the request")
    page.get_by_text("You asked for “Growth”.").wait_for()
    page.get_by_text(f"Your note: {note}").wait_for()
    look(page)


def test_a_new_company_waits_for_staff(portal: Portal, watched: Watched, staff: Page) -> None:
    page = watched.open(width=390)
    email = "ada@waiting.example"
    page.goto(portal.url)
    press(page, "Ask for access")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    look(page)
    press(page, "Create the account")
    page.goto(mailed_link(portal, email, "/accounts/confirm-email/"))
    press(page, "Yes, confirm")
    page.get_by_label("Company name").fill("Waiting Ltd")
    look(page)
    press(page, "Set it up")
    page.get_by_role("heading", name="Dashboard", exact=True).wait_for()
    assert page.get_by_role("button", name="New key").count() == 0
    look(page)
    decide(staff, portal, "customer", "Waiting Ltd", "Approve")
    page.reload()
    press(page, "New key")
    page.get_by_role("heading", name="New key", exact=True).wait_for()
