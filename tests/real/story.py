"""What the stories in a browser share: a portal of their own, people, their mail, and a look at every stop."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.real.browser import WIDTHS, accessibility_faults, overflow, press
from tests.real.database import fresh_database
from tests.real.portal import STAFF_PASSWORD, Portal
from tests.real.waiting import eventually

PASSWORD = "a customer's password 99"
SIZES = ((390, "light"), (1440, "dark"))
FOUND = """
from allauth.account.models import EmailAddress
from portal.core.actor import SYSTEM
from portal.services.customers import create_customer
from portal.services.members import add_member
customer = create_customer(SYSTEM, name={name!r})
for email, role in {people!r}.items():
    user = add_member(SYSTEM, customer.pk, email=email, role=role).user
    user.set_password({password!r})
    user.save(update_fields=["password"])
    EmailAddress.objects.filter(user=user).update(verified=True)
print(customer.public_id)
"""
LONG_AGO = """
from importlib import import_module
from django.conf import settings
from django.contrib.sessions.models import Session
for key in Session.objects.values_list("session_key", flat=True):
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    for record in session.get("account_authentication_methods", []):
        record["at"] -= 3600
    session.save()
"""
"""All who are signed in did so an hour ago."""
SETTLED = """
Promise.all(document.getAnimations().filter(one => one instanceof CSSTransition).map(one => one.finished))
"""
"""A change of scheme runs through shades that are neither."""


@contextmanager
def story_portal(folder: Path, *, host: str = "127.0.0.1", **settings: str) -> Iterator[Portal]:
    """Not started yet, so that what it is told can depend on its address; ended with everything it started."""
    with fresh_database(folder) as url:
        portal = Portal(folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD, **settings)
        portal.url = portal.environ["PORTAL_BASE_URL"] = f"http://{host}:{portal.port}"
        try:
            yield portal
            assert not portal.running or portal.stop() == 0, portal.log[-3000:]
        finally:
            portal.clean_up()


def found_company(portal: Portal, name: str, **people: str) -> dict[str, str]:
    """A company with people who can sign in: role by first name. Returns their addresses by first name."""
    domain = f"{re.sub('[^a-z0-9]', '', name.lower())}.example"
    addresses = {first: f"{first}@{domain}" for first in people}
    roles = {addresses[first]: role for first, role in people.items()}
    portal.manage("shell", "-c", FOUND.format(name=name, people=roles, password=PASSWORD))
    return addresses


def fill_sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """The form on the page for signing in, wherever it leads then."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    press(page, "Sign in")


def sign_in(page: Page, portal: Portal, email: str, at: str = "/dashboard") -> None:
    """Open the page ``at`` and sign in on the way there."""
    page.goto(f"{portal.url}/accounts/login/?next={at}")
    fill_sign_in(page, email)
    page.wait_for_url(f"**{at}")


def mailed_link(portal: Portal, to: str, path: str) -> str:
    """The link below ``path`` in the newest mail to that address that holds one; waits for it."""

    def links() -> list[str]:
        mails = [mail for mail in portal.log.split("\nContent-Type: multipart/") if f"To: {to}\n" in mail]
        found = [re.search(rf"^{portal.url}{path}\S+$", mail, re.MULTILINE) for mail in mails]
        return [link[0] for link in found if link]

    eventually(links, f"a mail to {to} with a link to {path}", seconds=20)
    return links()[-1]


def look(page: Page) -> None:
    """As a reader does who needs it accessible: no fault that axe knows, no sideways scrolling at any width."""
    faults = accessibility_faults(page)
    assert not faults, f"{page.url}: {faults}"
    fits(page)


def fits(page: Page) -> None:
    """No sideways scrolling at any width; without scripts this is all that can be asked."""
    size = page.viewport_size
    assert size is not None
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert overflow(page) == 0, f"{page.url} at {width} px"
    page.set_viewport_size(size)


def look_small_and_dark(page: Page) -> None:
    """``look`` on a telephone by day and on a desk at night."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.evaluate(SETTLED)
        look(page)


def create_key(page: Page, portal: Portal, name: str) -> None:
    """By the form, until the page says that it is ready."""
    page.goto(f"{portal.url}/keys/new")
    page.get_by_label("Name").fill(name)
    press(page, "Create the key")
    page.get_by_text("Your key is ready.").wait_for()


def reveal(page: Page) -> str:
    """The secret of the key whose page is open."""
    press(page, "Reveal the secret")
    page.get_by_text("Keep it now: it is shown this once.").wait_for()
    return page.locator("textarea[data-secret]").input_value()


def revoke(page: Page, name: str) -> None:
    """On the page that asks whether to revoke that key."""
    page.get_by_label(f"Type “{name}” to confirm").fill(name)
    press(page, "Revoke the key")
    page.get_by_text(f"“{name}” is revoked.").wait_for()
