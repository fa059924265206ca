"""A team in the browser: invited by mail, joined, promoted, removed with what they knew, handed over, left."""

import pytest
from playwright.sync_api import Page

from tests.real.browser import Watched, press
from tests.real.portal import Portal
from tests.real.story import (
    PASSWORD,
    SIZES,
    create_key,
    found_company,
    look,
    mailed_link,
    reveal,
    sign_in,
)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_colleague_comes_and_goes(portal: Portal, watched: Watched, width: int, scheme: str) -> None:
    company = f"Team {width}"
    owner = watched.open(width=width, scheme=scheme)
    address = found_company(portal, company, olga="owner")["olga"]
    sign_in(owner, portal, address, at="/team")
    create_key(owner, portal, "Kept by Olga")
    reveal(owner)

    invited = f"nils@{address.partition('@')[2]}"
    invite(owner, portal, invited)
    colleague = watched.open(width=width, scheme=scheme)
    join(colleague, portal, invited, company)
    create_key(colleague, portal, "Known to Nils")
    reveal(colleague)
    rotate(colleague, portal, "Known to Nils")
    assert colleague.goto(f"{portal.url}/team/invite").status == 403  # type: ignore[union-attr]

    promote(owner, portal)
    colleague.goto(f"{portal.url}/team/invite")
    colleague.get_by_role("heading", name="Invite people").wait_for()

    remove(owner, portal)
    colleague.goto(f"{portal.url}/dashboard")
    assert colleague.get_by_text("Known to Nils").count() == 0
    colleague.goto(f"{portal.url}/keys")
    assert colleague.get_by_text("Known to Nils").count() == 0
    look(colleague)


def invite(owner: Page, portal: Portal, email: str) -> None:
    owner.goto(f"{portal.url}/team")
    press(owner, "Invite people")
    owner.get_by_label("E-mail addresses").fill(email)
    look(owner)
    press(owner, "Send invitations")
    owner.get_by_role("rowheader", name=email).wait_for()
    look(owner)


def join(page: Page, portal: Portal, email: str, company: str) -> None:
    """The link proves whose mailbox it is: no further mail is waited for."""
    page.goto(mailed_link(portal, email, "/invitations/"))
    page.get_by_role("heading", name=f"Join {company}").wait_for()
    look(page)
    press(page, "Create your account")
    page.get_by_label("Your name").fill("Nils Nielsen")
    assert page.get_by_label("E-mail").input_value() == email
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    look(page)
    press(page, "Create the account")
    press(page, f"Join {company}")
    page.get_by_text(f"You are in: you belong to {company} as Developer.").wait_for()
    look(page)


def rotate(page: Page, portal: Portal, name: str) -> None:
    page.goto(f"{portal.url}/keys")
    page.get_by_role("link", name=name).first.click()
    press(page, "Rotate")
    page.get_by_label("Keep the present key working for").select_option("0")
    press(page, "Rotate the key")
    page.get_by_text("Your key is ready.").wait_for()
    reveal(page)


def manage(owner: Page, portal: Portal, name: str) -> None:
    owner.goto(f"{portal.url}/team")
    owner.get_by_role("link", name=f"Manage {name}").click()


def promote(owner: Page, portal: Portal) -> None:
    manage(owner, portal, "Nils Nielsen")
    look(owner)
    owner.get_by_role("radio", name="Admin").check()
    press(owner, "Change the role")
    owner.wait_for_url("**/team")
    owner.goto(f"{portal.url}/team")
    owner.get_by_role("row", name="Nils Nielsen").get_by_role("cell", name="Admin", exact=True).wait_for()


def remove(owner: Page, portal: Portal) -> None:
    """The key that he knows is listed, and hers is not."""
    manage(owner, portal, "Nils Nielsen")
    press(owner, "Remove from the team")
    owner.get_by_role("heading", name="Remove Nils Nielsen?").wait_for()
    assert owner.get_by_role("rowheader", name="Known to Nils").count() == 1
    assert owner.get_by_text("Kept by Olga").count() == 0
    look(owner)
    press(owner, "Remove and rotate what is ticked")
    owner.wait_for_url("**/keys")
    owner.get_by_text("Nils Nielsen").first.wait_for()
    look(owner)
    owner.goto(f"{portal.url}/team")
    assert owner.get_by_role("rowheader", name="Nils Nielsen").count() == 0
    owner.goto(f"{portal.url}/keys")
    owner.get_by_role("link", name="Known to Nils").first.click()
    assert reveal(owner).count(".") == 2, "what replaced it is the owner's to reveal"


def test_ownership_is_handed_over_and_the_former_owner_leaves(portal: Portal, watched: Watched) -> None:
    people = found_company(portal, "Handed Over", olga="owner", nora="admin")
    olga, nora = watched.open(width=390), watched.open(scheme="dark")
    sign_in(olga, portal, people["olga"], at="/team")
    olga.goto(f"{portal.url}/team/leave")
    press(olga, "Leave Handed Over")
    olga.get_by_role("alert").wait_for()
    look(olga)
    manage(olga, portal, people["nora"])
    press(olga, "Hand ownership over")
    olga.get_by_label("Type “Handed Over” to confirm").fill("Handed Over")
    look(olga)
    press(olga, "Hand ownership over")
    olga.goto(f"{portal.url}/team/leave")
    press(olga, "Leave Handed Over")
    olga.wait_for_url(lambda url: "/team/leave" not in url)
    look(olga)
    sign_in(nora, portal, people["nora"], at="/team")
    nora.get_by_role("cell", name="Owner", exact=True).wait_for()
    assert nora.get_by_text(people["olga"]).count() == 0
