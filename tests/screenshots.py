"""``python -m tests.screenshots FOLDER``: takes the documents' pictures, in a demo started for them."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from tests.real.browser import chromium
from tests.real.portal import Portal
from tests.real.story import PASSWORD, SETTLED, create_key, reveal, sign_in

DESK, TELEPHONE = (1280, 820), (390, 844)
TELEPHONE_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
"""So that the page on security tells of two browsers."""
LARGEST_BYTES = 150_000
ON_A_DESK = {
    "dashboard": "/dashboard",
    "keys": "/keys",
    "key": "/keys/{key}",
    "team": "/team",
    "plans": "/plans",
    "activity": "/activity",
    "security": "/settings/security",
    "docs": "/docs/calls",
}
"""Picture → page."""
ON_A_TELEPHONE = {"dashboard-phone": "/dashboard", "keys-phone": "/keys"}
SCENE = """
from portal.management.demo.fill import the_owner
owner = the_owner()
keys = owner.memberships.get().customer.keys
print(owner.email, keys.filter(name="partner feed", status="active").latest("created_at").public_id)
"""
BLANK_OUT = """
field => {
  const text = field.value
  field.value = field.defaultValue = text.slice(0, 36) + '•'.repeat(text.length - 48) + text.slice(-12)
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="the pictures go there; those of the same names are replaced"
    )
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as portal, chromium() as browser:
        owner, key = portal.manage("shell", "-c", SCENE).stdout.split()[-2:]
        page = browser.new_page(user_agent=TELEPHONE_AGENT)
        sign_in(page, portal, owner)
        for name, path in ON_A_TELEPHONE.items():
            page.goto(portal.url + path)
            shoot(page, folder / f"{name}.png", TELEPHONE)

        page = browser.new_page()
        sign_in(page, portal, owner)
        for name, path in ON_A_DESK.items():
            page.goto(portal.url + path.format(key=key))
            shoot(page, folder / f"{name}.png")
        page.goto(f"{portal.url}/dashboard")
        shoot(page, folder / "dashboard-dark.png", scheme="dark")
        reveal_without_a_secret(page, portal)
        shoot(page, folder / "key-revealed.png")


@contextmanager
def demo() -> Iterator[Portal]:
    """A portal full of believable data, of the company that the demo tells of; gone afterwards."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        portal = Portal(
            folder, PORTAL_VAR=name, DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}",
            LATCHKEY_STAFF_PASSWORD=PASSWORD, PORTAL_NAME="Skylark Weather",
            PORTAL_API_URL="https://api.example.com/", PORTAL_SUPPORT_EMAIL="help@skylark.example",
        )  # fmt: skip
        # Browsers offer passkeys to names alone.
        portal.url = portal.environ["PORTAL_BASE_URL"] = f"http://localhost:{portal.port}"
        try:
            yield portal.start("demo", seconds=240)
        finally:
            portal.clean_up()


def reveal_without_a_secret(page: Page, portal: Portal) -> None:
    """The page that shows a new key's secret, most of it dots: what is published opens nothing."""
    create_key(page, portal, "quay displays")
    secret = reveal(page)
    page.locator("textarea[data-secret]").evaluate(BLANK_OUT)
    assert secret[36:-12] not in page.content()


def shoot(page: Page, file: Path, size: tuple[int, int] = DESK, *, scheme: str = "light") -> None:
    """The top of the page as a window of that size shows it."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.wait_for_load_state("networkidle")
    page.evaluate(SETTLED)
    page.screenshot(path=file, animations="disabled", caret="hide")
    assert file.stat().st_size < LARGEST_BYTES, f"{file} is too large: {file.stat().st_size} bytes"
    print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
