"""Chromium with somebody watching: what the Content-Security-Policy or a script complains of fails the test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.real.required import NODE, require

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
CUT_SHORT = ("net::ERR_ABORTED", "net::ERR_CONTENT_LENGTH_MISMATCH")
"""How loading ends when a navigation or the session's end cuts it short: nobody's fault."""
WIDTHS = (390, 768, 1440)
SCHEMES = ("light", "dark")
AXE = NODE / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser process; skips where there is no Chromium."""
    require(CHROMIUM.exists(), "Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """Contexts of their own cookies, and what was complained of in any of them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, *, width: int = 1440, scheme: str = "light", **options: Any) -> Page:
        """A page in a session of its own; ``options`` are Playwright's for contexts."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        self._contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.expose_function("violated", lambda what: self.complaints.append(what))
        page.add_init_script(WATCH_CSP)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("requestfailed", self._failed)
        return page

    def _failed(self, request: Request) -> None:
        if request.failure not in CUT_SHORT:
            self.complaints.append(f"not loaded: {request.url} {request.failure}")

    def close(self) -> None:
        """Close every session; fails for what was complained of."""
        for context in self._contexts:
            context.close()
        assert self.complaints == []


def press(page: Page, name: str) -> None:
    """Press a button of the page's main part and wait for the next page."""
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and its best practices: rule and elements."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']} ({fault['help']}): {[node['html'][:160] for node in fault['nodes'][:4]]}"
        for fault in found["violations"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
