"""The main story by keyboard alone: every stop of the focus can be seen, and no mouse is needed."""

from playwright.sync_api import Page, expect

from tests.real.portal import Portal
from tests.real.story import PASSWORD, found_company

FOCUSED = """
(() => {
  const at = document.activeElement, looks = getComputedStyle(at);
  const words = at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent || '';
  const drawn = (looks.outlineStyle !== 'none' && parseFloat(looks.outlineWidth) > 0) || looks.boxShadow !== 'none';
  return {words: words.replace(/\\s+/g, ' ').trim(), drawn, html: at.outerHTML.slice(0, 160),
          isPage: at === document.body};
})()
"""
MOST_STOPS = 80


def tab_to(page: Page, words: str, *, tag: str = "") -> None:
    """Press Tab until what has that label or text has the focus; each stop on the way can be seen.

    ``tag`` is how the element's HTML begins.
    """
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        assert stop["isPage"] or stop["drawn"], f"its focus can't be seen: {stop['html']}"
        if stop["words"].startswith(words) and stop["html"].startswith(f"<{tag}"):
            return
        passed.append(stop["words"])
    raise AssertionError(f"no stop says {words!r}: {passed}")


def follow(page: Page, words: str, heading: str) -> None:
    tab_to(page, words)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=heading, exact=True).wait_for()


def test_the_main_story_needs_no_mouse(portal: Portal, page: Page) -> None:
    email = found_company(portal, "Keys Only", ada="owner")["ada"]
    page.goto(f"{portal.url}/accounts/login/")
    page.get_by_label("E-mail").wait_for()
    for label, typed in (("E-mail", email), ("Password", PASSWORD)):
        if not page.evaluate(FOCUSED)["words"].startswith(label):
            tab_to(page, label)
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Dashboard", exact=True).wait_for()

    tab_to(page, "Skip to the content")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0, "it can be seen"
    page.keyboard.press("Enter")
    follow(page, "New key", "New key")
    page.keyboard.type("By hand")  # the name has the focus
    page.keyboard.press("Enter")
    page.get_by_text("Your key is ready.").wait_for()
    follow(page, "Reveal the secret", "Secret of By hand")
    tab_to(page, "Copy")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Copied").wait_for()
    secret = page.locator("textarea[data-secret]").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == secret

    # The tabs of the quickstart are one stop; arrows go through them.
    tab_to(page, "curl", tag="input")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#snippet-python")).to_be_visible()
    expect(page.locator("#snippet-curl")).to_be_hidden()
    follow(page, "I have kept it", "By hand")
    follow(page, "Revoke", "Revoke By hand?")
    tab_to(page, "Type “By hand” to confirm")
    page.keyboard.type("By hand")
    tab_to(page, "Revoke the key")
    page.keyboard.press("Enter")
    page.get_by_text("“By hand” is revoked.").wait_for()
    assert portal.get("/api/v1/verify", authorization=f"Bearer {secret}").status == 401

    # Menus open by Enter and close by Escape, which gives the focus back.
    page.goto(f"{portal.url}/dashboard")
    tab_to(page, "Account:")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Settings")).to_be_hidden()
    assert page.evaluate(FOCUSED)["words"].startswith("Account:")
    page.keyboard.press("Enter")
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/dashboard"))
    page.goto(f"{portal.url}/dashboard")
    page.get_by_role("heading", name="Sign in").wait_for()
