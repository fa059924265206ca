"""Who reads German reads nothing else: on no page, in no answer to a form, in no mail."""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import translation
from pytest_django import Settings

from portal.jobs.scheduled.mail import send_notices
from portal.models import Customer, IssuedKey, Membership, Notice, User
from portal.services.actors import actor_of_user
from portal.services.audit import Action, record
from portal.services.telling import tell_of_key
from tests.factories import MembershipFactory, PlanFactory
from tests.mail.conftest import key, server, tell
from tests.mail.server import Server
from tests.mail.test_every_account_mail import OURS, prefixes, written
from tests.pages import PAGES
from tests.web.conftest import sign_in
from tests.web.test_query_budget import fill

pytestmark = pytest.mark.django_db
__all__ = ["key", "server"]

WALKED = {route: at for route, at in PAGES.items() if not at.path.startswith("/api/")}
"""The API's own documentation stays English."""
NOT_FOR_PEOPLE = {"script", "style", "pre", "code"}
READ_OUT = {"alt", "aria-label", "aria-description", "placeholder", "title"}
ENGLISH = re.compile(r"\b(the|and|you|your|this|that|isn't|can't|have|must|please|is|are)\b", re.IGNORECASE)
"""Words that stand in nearly every English sentence and in no German one."""
NAMES = re.compile(r"Port of Spain|Isle of Man|So be it|key \w+|Please")
"""What other people named so."""


class Words(HTMLParser):
    """The pieces of a page that somebody sees or hears, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in NOT_FOR_PEOPLE
        told = [value or "" for name, value in attrs if name in READ_OUT or name.startswith("data-")]
        self.pieces += [value for value in told if " " in value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in NOT_FOR_PEOPLE

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)


class Placeholders(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "placeholder" and value]


def words(page: str) -> str:
    parser = Words()
    parser.feed(page)
    return "\n".join(" ".join(piece.split()) for piece in parser.pieces if piece.strip())


def originals() -> set[str]:
    """What stands between the placeholders and tags of the sentences that German puts otherwise."""
    path = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES" / "django.po"
    messages = re.findall(
        r'^msgid(?:_plural)? "(.+)"\nmsgstr(?:\[0\])? "(.+)"$', path.read_text(), re.MULTILINE
    )
    assert len(messages) > 1000
    found = set()
    for english, german in messages:
        for piece in re.split(r"%\(\w+\)\w|%[sd]|\{\w+\}|<[^>]*>", english.replace('\\"', '"')):
            if len(piece.strip()) > 12 and " " in piece.strip() and piece.strip() not in german:
                found.add(piece.strip())
    return found


@pytest.fixture(scope="module")
def ours() -> set[str]:
    return originals()


def english_in(text: str, ours: set[str]) -> list[str]:
    """The lines of the text that hold a sentence of ours, or what looks like somebody else's."""
    told = NAMES.sub("", html.unescape(text))
    return [
        line for line in told.splitlines()
        if ENGLISH.search(line) or any(sentence in line for sentence in ours)
    ]  # fmt: skip


@pytest.fixture
def scene(owner: Membership) -> dict[str, str]:
    """A customer with a few of everything, whose owner reads German."""
    User.objects.update(language="de")
    fill(owner, 2)
    return {
        "key": owner.customer.keys.filter(status="active", successors=None).latest("id").public_id,
        "plan": PlanFactory(listed=True).slug,
        "member": owner.customer.memberships.exclude(user=owner.user).latest("pk").user.public_id,
    }


def browser_of(owner: Membership, *, anonymous: bool) -> Client:
    return Client(headers={"Accept-Language": "de"}) if anonymous else sign_in(owner.user)


@pytest.mark.parametrize("route", WALKED)
def test_every_page_is_in_german(
    route: str, owner: Membership, scene: dict[str, str], ours: set[str]
) -> None:
    at = WALKED[route]
    answer = browser_of(owner, anonymous=at.anonymous).get(at.path.format(**scene), follow=True)
    page = answer.content.decode()
    assert answer.status_code == at.status
    assert answer["Content-Language"] == "de"
    assert '<html lang="de"' in page
    assert english_in(words(page), ours) == []


def test_what_fields_hint_at_fits_a_telephone(owner: Membership, scene: dict[str, str]) -> None:
    """A field of 390 pixels shows 36 characters beside its glass; a placeholder is cut off, not wrapped."""
    browser, found = sign_in(owner.user), Placeholders()
    for path in [at.path.format(**scene) for at in WALKED.values()]:
        found.feed(browser.get(path, follow=True).content.decode())
    assert found.found
    assert [text for text in found.found if len(text) > 34] == []


@pytest.mark.parametrize("typed", [{}, {"name": "x" * 500, "email": "no address", "emails": "no address"}])
@pytest.mark.parametrize("route", WALKED)
def test_what_was_wrong_in_a_form_is_told_in_german(
    route: str, typed: dict[str, str], owner: Membership, scene: dict[str, str], ours: set[str]
) -> None:
    at = WALKED[route]
    browser = browser_of(owner, anonymous=at.anonymous)
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"  # for who is signed out by that
    answer = browser.post(at.path.format(**scene), typed, follow=True)
    assert english_in(words(answer.content.decode()), ours) == []


@pytest.mark.parametrize("role", ["viewer", "developer"])
def test_who_may_not_is_told_so_in_german(
    role: str, owner: Membership, scene: dict[str, str], ours: set[str]
) -> None:
    Membership.objects.filter(pk=owner.pk).update(role=role)
    browser = sign_in(owner.user)
    for at in WALKED.values():
        if not at.anonymous:
            answer = browser.get(at.path.format(**scene))
            assert english_in(words(answer.content.decode()), ours) == [], at.path


@pytest.mark.parametrize("status", Customer.Status.values)
def test_who_has_nothing_yet_is_told_so_in_german(
    status: str, settings: Settings, db: None, ours: set[str]
) -> None:
    settings.PORTAL_SIGNUP = "open"
    membership = MembershipFactory(customer__status=status, user__language="de")
    browser = sign_in(membership.user)
    for path in ("/dashboard", "/keys", "/keys/new", "/plans", "/team", "/activity", "/settings/tokens"):
        assert english_in(words(browser.get(path).content.decode()), ours) == [], path
    membership.delete()
    for path in ("/dashboard", "/welcome"):
        assert english_in(words(browser.get(path, follow=True).content.decode()), ours) == [], path


def test_keys_in_every_state_are_told_of_in_german(
    owner: Membership, scene: dict[str, str], ours: set[str]
) -> None:
    browser = sign_in(owner.user)
    for one in owner.customer.keys.all():
        for step in ("", "/revoke", "/rotate"):
            answer = browser.get(f"/keys/{one.public_id}{step}", follow=True)
            assert english_in(words(answer.content.decode()), ours) == [], (one.status, step)


def test_everything_that_happens_is_told_in_german(owner: Membership, ours: set[str]) -> None:
    User.objects.update(language="de")
    for action in Action:
        record(actor_of_user(owner.user), action, owner.user.public_id, customer=owner.customer)
    browser = sign_in(owner.user)
    for path in ("/activity", "/dashboard"):
        assert english_in(words(browser.get(path).content.decode()), ours) == []
    table = b"".join(browser.get("/activity.csv").streaming_content).decode()  # type: ignore[attr-defined]
    sentences = [line.split(",")[2] for line in table.splitlines()]
    assert english_in("\n".join(sentences), ours) == []


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_every_notice_is_in_german(
    kind: str, owner: Membership, key: IssuedKey, server: type[Server], ours: set[str]
) -> None:
    User.objects.update(language="de")
    tell(kind, owner, key)
    Notice.objects.filter(detail__has_key="reason").update(detail={"reason": "Nein.", "plan": "Growth"})
    IssuedKey.objects.update(revoke_reason="customer closed")
    send_notices()
    (mail,) = server.taken
    assert mail.body.startswith("Guten Tag,\n\n")
    assert english_in(f"{mail.subject}\n{mail.body}", ours) == []


def test_a_reminder_of_several_keys_is_in_german(
    make_key: Callable[..., IssuedKey], server: type[Server], ours: set[str]
) -> None:
    User.objects.update(language="de")
    keys = [make_key("Rechnungen"), make_key("Lager")]
    Notice.objects.all().delete()
    for each in keys:
        tell_of_key(each, Notice.Kind.UNREVEALED)
    send_notices()
    (mail,) = server.taken
    assert "Das sind: „Rechnungen“, „Lager“\n" in mail.body
    assert english_in(f"{mail.subject}\n{mail.body}", ours) == []


@pytest.mark.parametrize("prefix", prefixes(OURS))
def test_every_mail_about_signing_in_is_in_german(
    prefix: str, owner: Membership, rf: RequestFactory, ours: set[str]
) -> None:
    User.objects.update(language="de")
    with translation.override("de"):
        mail = written(prefix, owner.user.email, rf)
    assert english_in(f"{mail.subject}\n{mail.body}", ours) == []
