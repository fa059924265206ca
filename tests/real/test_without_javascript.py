"""The portal in a browser that runs no scripts: everything but live progress and copying."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.real.browser import Watched, press
from tests.real.portal import Portal
from tests.real.story import create_key, fill_sign_in, fits, found_company, mailed_link, reveal, revoke


@pytest.fixture(params=[390, 1440])
def page(request: pytest.FixtureRequest, watched: Watched) -> Page:
    return watched.open(width=request.param, java_script_enabled=False)


def test_everything_is_done_without_scripts(portal: Portal, page: Page) -> None:
    assert page.viewport_size is not None
    company = f"Plain {page.viewport_size['width']}"
    email = found_company(portal, company, ada="owner")["ada"]
    page.goto(f"{portal.url}/dashboard")
    fill_sign_in(page, email)
    page.get_by_role("heading", name="Dashboard", exact=True).wait_for()

    create_key(page, portal, "Plain")
    fits(page)
    secret = reveal(page)
    assert page.get_by_role("button", name="Copy").count() == 0, "nothing is promised that needs a script"
    fits(page)
    tabs_follow_the_keyboard(page)
    works = f"Bearer {secret}"
    assert portal.get("/api/v1/verify", authorization=works).status == 204

    press(page, "I have kept it, go on to the key")
    press(page, "Rotate")
    press(page, "Rotate the key")
    page.get_by_text("The key that this one replaces stops working").wait_for()
    assert re.search(r"in 23 h \d+ min", page.locator("main").inner_text()), "the countdown's first words"
    press(page, "Show the old key")
    press(page, "End it now")
    revoke(page, "Plain")
    assert portal.get("/api/v1/verify", authorization=works).status == 401

    menus_open(page)
    page.goto(f"{portal.url}/team/invite")
    page.get_by_label("E-mail addresses").fill(f"bob@{company.replace(' ', '').lower()}.example")
    press(page, "Send invitations")
    page.get_by_role("rowheader", name="bob@").wait_for()
    assert mailed_link(portal, f"bob@{company.replace(' ', '').lower()}.example", "/invitations/")
    save_the_profile(page, portal)


def tabs_follow_the_keyboard(page: Page) -> None:
    page.locator("#in-curl").focus()
    for language, label in (("python", "Python"), ("javascript", "JavaScript"), ("go", "Go")):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio", name=label, exact=True)).to_be_checked()
        expect(page.locator(f"#snippet-{language}")).to_be_visible()
    expect(page.locator("#snippet-curl")).to_be_hidden()


def menus_open(page: Page) -> None:
    page.locator("details.account summary").click()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    fits(page)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Profile", exact=True).wait_for()


def save_the_profile(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/settings")
    page.get_by_label("Name").fill("Ada the Plain")
    press(page, "Save")
    page.get_by_text("Your profile is saved.").wait_for()
    expect(page.locator("details.account summary .name")).to_have_text("Ada the Plain")
    fits(page)
