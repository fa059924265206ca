"""Every page of the URLconf in a browser: no fault that axe knows, no CSP violation, no sideways scrolling,
light enough, and all of it reachable by keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.pages import NO_PAGES, PAGES, SCENE
from tests.real.browser import SCHEMES, WIDTHS, Watched, accessibility_faults, overflow
from tests.real.portal import Portal
from tests.real.required import require_node
from tests.routes import every_route

PASSWORD = "a demo password of 1234"
FOCUSABLE = """
(() => {
  const found = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const seen = (element) => element.checkVisibility({visibilityProperty: true}) && !element.disabled
    && element.type !== 'hidden';
  const stops = (element) => element.type !== 'radio' || element.checked
    || !document.querySelector(`input[type=radio][name="${element.name}"]:checked`);
  window.expected = found.filter(element => seen(element) && stops(element));
  window.visited = new Set();
  return window.expected.length;
})()
"""
VISIT = "window.visited.add(document.activeElement)"
MISSED = "window.expected.filter(e => !window.visited.has(e)).map(e => e.outerHTML.slice(0, 160))"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal full of believable data, to whose first customer's owner the browser signs in."""
    require_node()
    folder = tmp_path_factory.mktemp("demo")
    portal = Portal(
        folder, DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}", PORTAL_SIGNUP="open",
        LATCHKEY_STAFF_PASSWORD=PASSWORD,
    )  # fmt: skip
    try:
        yield portal.start("demo", seconds=240)
        assert portal.stop() == 0, portal.log[-3000:]
    finally:
        portal.clean_up()


@pytest.fixture(scope="module")
def scene(demo: Portal) -> dict[str, str]:
    """What stands in the paths' placeholders."""
    return dict(json.loads(demo.manage("shell", "-c", SCENE).stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def signed_in(
    demo: Portal, browser: Browser, scene: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The cookies of the owner's session, in a file."""
    path = tmp_path_factory.mktemp("cookies") / "state.json"
    page = browser.new_page()
    page.goto(f"{demo.url}/accounts/login/")
    page.get_by_label("E-mail").fill(scene["owner"])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard")
    page.context.storage_state(path=path)
    page.close()
    return path


def test_no_page_is_forgotten() -> None:
    paths = {route.path for route in every_route("portal.config.urls") if not route.name.startswith("admin:")}
    assert {path for path in paths if not path.startswith("api/")} | {"api/v1/docs"} == {*PAGES, *NO_PAGES}


@pytest.mark.parametrize("route", PAGES)
def test_a_page_is_for_everybody_at_every_width(
    route: str, demo: Portal, scene: dict[str, str], signed_in: Path, watched: Watched
) -> None:
    at = PAGES[route]
    for scheme in SCHEMES:
        page = watched.open(scheme=scheme, storage_state=None if at.anonymous else signed_in)
        weight = weigh(page)
        answer = page.goto(demo.url + at.path.format(**scene), wait_until="load")
        assert answer is not None
        assert answer.status == at.status
        assert sum(weight) < at.largest
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert overflow(page) == 0, width
            # Contrast depends on the scheme and everything else on the width.
            if at.is_ours and (width, scheme) in ((390, "light"), (1440, "light"), (1440, "dark")):
                assert accessibility_faults(page) == [], f"{width} px, {scheme}"
    if at.is_ours:
        assert missed_by_tab(page) == []


def weigh(page: Page) -> list[int]:
    """Grows by the bytes of each answer as it arrives, as they were on the wire."""
    sizes: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    return sizes


def missed_by_tab(page: Page) -> list[str]:
    """What can be seen and used but is not reached by the Tab key."""
    count = page.evaluate(FOCUSABLE)
    page.evaluate("document.body.focus()")
    dates = page.locator("input[type=date]").count()
    for _ in range(count + 3 + 4 * dates):  # a day, a month, a year, a calendar
        page.keyboard.press("Tab")
        page.evaluate(VISIT)
    return list(page.evaluate(MISSED))
