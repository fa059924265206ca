"""A key's page follows its creation and its removal by itself, without being loaded again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.fakes.auth0.process import Auth0Process
from tests.real.auth0 import auth0_portal
from tests.real.browser import Watched, press
from tests.real.portal import Portal
from tests.real.story import found_company, look, sign_in

SECONDS = 60_000
"""In milliseconds: the first attempts after a failure are seconds apart."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Auth0Process]]:
    with auth0_portal(tmp_path_factory.mktemp("live")) as both:
        yield both


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.open(width=390)


def test_a_key_becomes_ready_and_is_revoked_on_the_open_page(
    both: tuple[Portal, Auth0Process], page: Page
) -> None:
    portal, tenant = both
    sign_in(page, portal, found_company(portal, "Live", ada="owner")["ada"])
    tenant.set_faults(unavailable=1)
    page.goto(f"{portal.url}/keys/new")
    page.get_by_label("Name").fill("Patient")
    press(page, "Create the key")
    page.get_by_role("heading", name="Patient").wait_for()
    page.evaluate("window.kept = true")
    page.get_by_text("The gateway hasn't taken it yet.").first.wait_for(timeout=SECONDS)
    look(page)
    tenant.set_faults()
    page.get_by_text("Your key is ready.").first.wait_for(timeout=SECONDS)
    assert page.evaluate("window.kept"), "it was loaded again"
    assert "Your key is ready. Its secret can be revealed." in page.locator("#said").inner_text()
    look(page)
    press(page, "Reveal the secret")
    page.get_by_label("client_secret").or_(page.get_by_label("Client secret")).first.wait_for()
    look(page)

    press(page, "I have kept it, go on to the key")
    press(page, "Revoke")
    page.get_by_label("Type “Patient” to confirm").fill("Patient")
    tenant.set_faults(unavailable=1)
    press(page, "Revoke the key")
    page.get_by_text("“Patient” is being revoked").wait_for()
    page.evaluate("window.kept = true")
    page.get_by_text("Its gateway hasn't confirmed it yet.").first.wait_for(timeout=SECONDS)
    look(page)
    tenant.set_faults()
    page.get_by_text("This key doesn't work any more").first.wait_for(timeout=SECONDS)
    assert page.evaluate("window.kept"), "it was loaded again"
    assert page.locator("[hx-get]").count() == 0, "nothing is asked for once all is done"
