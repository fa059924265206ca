"""Signing in with an identity provider, at a running portal and a real provider."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.fakes.oidc.process import OIDCProcess
from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal, free_port
from tests.real.visitor import Visitor, words_of

KNOWN, UNPROVEN = "known@company.example", "unproven@company.example"
PEOPLE = {
    "ada": {"email": "ada@new.example", "email_verified": True, "name": "Ada Lovelace"},
    "known": {"email": KNOWN.upper(), "email_verified": True},
    "staff": {"email": STAFF_EMAIL, "email_verified": True},
    "unknown unverified": {"email": UNPROVEN, "email_verified": False},
    "known unverified": {"email": KNOWN, "email_verified": False},
    "text": {"email": "text@new.example", "email_verified": "false"},
    "no address": {"name": "Grace Hopper"},
}
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """With a provider that works, one that calls itself otherwise, and one that is away."""
    folder = tmp_path_factory.mktemp("oidc")
    portal = Portal(
        folder, DATABASE_URL=f"sqlite:///{folder}/db.sqlite3", PORTAL_VAR=str(folder / "var"),
        LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD, PORTAL_SIGNUP="open",
    )  # fmt: skip
    back = f"{portal.url}/accounts/oidc/{{}}/login/callback/"
    with (
        OIDCProcess(PEOPLE, back.format("acme-id")) as good,
        OIDCProcess(PEOPLE, back.format("other"), issuer_host="localhost") as other,
    ):
        away = {
            "OIDC_AWAY_ISSUER": f"http://127.0.0.1:{free_port()}",
            "OIDC_AWAY_CLIENT_ID": "a", "OIDC_AWAY_CLIENT_SECRET": "b",
        }  # fmt: skip
        portal.environ |= good.variables("ACME_ID") | other.variables("OTHER") | away
        try:
            portal.start()
            customer = portal.api("POST", "/customers", {"name": "Known Ltd"}).json()["id"]
            portal.api("POST", f"/customers/{customer}/users", {"email": KNOWN})
            yield portal
        finally:
            portal.clean_up()


@pytest.fixture
def visitor(portal: Portal) -> Visitor:
    return Visitor(portal)


def leave(visitor: Visitor, provider: str = "acme-id", page: str = "/accounts/login/") -> requests.Response:
    """Press the button; returns the provider's page, or the portal's."""
    process = "connect" if page == "/accounts/3rdparty/" else "login"
    return visitor.post(page, f"/accounts/oidc/{provider}/login/?process={process}")


def come_back(visitor: Visitor, person: str, **options: str) -> requests.Response:
    for cookie in list(visitor.session.cookies):
        if cookie.name.startswith("_"):  # the provider's: it forgets who was there before
            visitor.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
    asked = leave(visitor, **options)
    assert asked.text == "Who are you?", asked.text
    return visitor.session.get(asked.url, params={"as": person}, timeout=30)


@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/signup/"])
def test_both_pages_offer_the_provider_and_may_lead_there(visitor: Visitor, page: str) -> None:
    answer = visitor.get(page)
    assert "Continue with Acme Id" in answer.text
    issuer = visitor.portal.environ["OIDC_ACME_ID_ISSUER"]
    allowed = re.search(r"form-action ([^;]+)", answer.headers["Content-Security-Policy"])
    assert allowed is not None
    assert issuer in allowed[1].split()


def test_the_way_out_has_a_challenge_and_leads_back_to_the_public_origin(visitor: Visitor) -> None:
    visitor.portal.url = visitor.portal.url.replace("127.0.0.1", "localhost")
    try:
        answer = visitor.post("/accounts/login/", "/accounts/oidc/acme-id/login/", follow=False)
    finally:
        visitor.portal.url = visitor.portal.url.replace("localhost", "127.0.0.1")
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["redirect_uri"] == [f"{visitor.portal.url}/accounts/oidc/acme-id/login/callback/"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) > 10


def test_a_new_person_signs_up_and_finds_the_same_account_later(visitor: Visitor) -> None:
    answer = come_back(visitor, "ada")
    assert answer.url == f"{visitor.portal.url}/welcome"
    assert "Welcome, Ada Lovelace" in words_of(answer)
    visitor.post("/welcome", "/welcome", {"name": "Engines Ltd"})
    again = Visitor(visitor.portal)
    assert "Engines Ltd" in words_of(come_back(again, "ada"))
    connected = words_of(again.get("/accounts/3rdparty/"))
    assert "Acme Id ada@new.example" in connected


def test_turning_back_creates_nothing(visitor: Visitor) -> None:
    asked = leave(visitor)
    answer = visitor.session.get(asked.url, params={"cancel": "1"}, timeout=30)
    assert answer.status_code == 200
    assert "Sign-in cancelled" in words_of(answer)
    assert not visitor.is_in


def test_an_address_that_the_provider_has_not_checked_is_proven_by_mail(visitor: Visitor) -> None:
    answer = come_back(visitor, "unknown unverified")
    assert "Look into your mail" in words_of(answer)
    assert not visitor.is_in
    sent = re.findall(r"/accounts/confirm-email/[-:\w]+/", visitor.portal.log)
    assert visitor.post(sent[-1], sent[-1]).url == f"{visitor.portal.url}/welcome"
    assert visitor.is_in


def test_an_unchecked_address_is_answered_alike_whether_it_is_known_or_not(portal: Portal) -> None:
    visitors = Visitor(portal), Visitor(portal)
    unknown = come_back(visitors[0], "text")  # "false" is no truth
    known = come_back(visitors[1], "known unverified")
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert words_of(known) == words_of(unknown).replace("text@new.example", KNOWN)
    assert not any(visitor.is_in for visitor in visitors)


def test_an_existing_account_with_that_address_is_connected(visitor: Visitor) -> None:
    assert "Known Ltd" in words_of(come_back(visitor, "known"))


def test_staff_connect_the_provider_themselves(visitor: Visitor) -> None:
    answer = come_back(visitor, "staff")
    assert answer.status_code == 403
    assert "Connect the provider first" in words_of(answer)
    assert not visitor.is_in
    visitor.sign_in(STAFF_EMAIL, STAFF_PASSWORD)
    connected = come_back(visitor, "staff", page="/accounts/3rdparty/")
    assert connected.url == f"{visitor.portal.url}/accounts/3rdparty/"
    assert "is connected" in words_of(connected)
    later = Visitor(visitor.portal)
    come_back(later, "staff")
    assert later.is_in


def test_somebody_elses_connection_is_not_taken_over(visitor: Visitor) -> None:
    come_back(Visitor(visitor.portal), "ada")
    come_back(visitor, "known")
    answer = come_back(visitor, "ada", page="/accounts/3rdparty/")
    assert "belongs to another account" in words_of(answer)
    assert "ada@new.example" not in words_of(answer)


def test_a_person_without_a_password_sets_one_and_may_then_disconnect(visitor: Visitor) -> None:
    come_back(visitor, "ada")
    page = visitor.get("/accounts/3rdparty/").text
    account = re.search(r'name="account" value="(\d+)"', page)
    assert account is not None
    refused = visitor.post("/accounts/3rdparty/", "/accounts/3rdparty/", {"account": account[1]})
    assert "no password" in words_of(refused)
    assert visitor.get("/accounts/password/change/").url.endswith("/accounts/password/set/")
    form = {"password1": PASSWORD, "password2": PASSWORD}
    assert visitor.post("/accounts/password/set/", "/accounts/password/set/", form).status_code == 200
    done = visitor.post("/accounts/3rdparty/", "/accounts/3rdparty/", {"account": account[1]})
    assert "is disconnected" in words_of(done)
    assert Visitor(visitor.portal).sign_in("ada@new.example", PASSWORD).status_code == 200


def test_who_has_no_address_at_the_provider_is_asked_for_one(visitor: Visitor) -> None:
    answer = come_back(visitor, "no address")
    assert answer.url == f"{visitor.portal.url}/accounts/3rdparty/signup/"
    assert 'value="Grace Hopper"' in answer.text
    path = "/accounts/3rdparty/signup/"
    sent = visitor.post(path, path, {"name": "Grace", "email": "grace@new.example"})
    assert "Look into your mail" in words_of(sent)
    assert not visitor.is_in


@pytest.mark.parametrize("provider", ["other", "away"])
def test_a_provider_that_is_another_or_away_ends_on_a_page(visitor: Visitor, provider: str) -> None:
    answer = leave(visitor, provider)
    assert answer.status_code == 401
    assert "Sign-in failed" in words_of(answer)
    assert not visitor.is_in


@pytest.mark.parametrize(
    "query", ["", "code=x", "code=x&state=made-up", "error=server_error&state=made-up", "code=%00&state=%00"]
)
def test_answers_that_nobody_asked_for_let_nobody_in(visitor: Visitor, query: str) -> None:
    answer = visitor.get(f"/accounts/oidc/acme-id/login/callback/?{query}")
    assert answer.status_code == 401
    assert "Sign-in failed" in words_of(answer)


@pytest.mark.parametrize("swapped", [{"code": "made up"}, {"iss": "https://another.example"}])
def test_a_code_or_issuer_that_was_swapped_lets_nobody_in(visitor: Visitor, swapped: dict[str, str]) -> None:
    asked = leave(visitor)
    answer = visitor.session.get(asked.url, params={"as": "ada"}, timeout=30, allow_redirects=False)
    while not answer.headers["Location"].startswith(visitor.portal.url):
        answer = visitor.session.get(answer.headers["Location"], timeout=30, allow_redirects=False)
    back = urlsplit(answer.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | swapped
    failed = visitor.session.get(back._replace(query="").geturl(), params=query, timeout=30)
    assert failed.status_code == 401
    assert not visitor.is_in


def test_a_provider_that_is_not_configured_is_not_found(visitor: Visitor) -> None:
    assert visitor.get("/accounts/oidc/nobody/login/").status_code == 404
    assert visitor.get("/accounts/oidc/nobody/login/callback/").status_code == 404


def test_leaving_takes_a_click_of_ones_own(visitor: Visitor) -> None:
    """A link or an image on another site signs nobody in."""
    answer = visitor.get("/accounts/oidc/acme-id/login/")
    assert answer.status_code == 200
    assert "Continue with Acme Id?" in words_of(answer)


def test_the_log_holds_neither_secret_nor_code(portal: Portal) -> None:
    assert portal.environ["OIDC_ACME_ID_CLIENT_SECRET"] not in portal.log
    assert "code=" not in portal.log
