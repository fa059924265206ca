"""Second factors: enrolled, asked for, used once, sealed, removed."""

import json
import re
import threading
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from portal.core.sealing import unseal
from portal.models import AuditEvent, Membership, User
from tests.factories import MembershipFactory
from tests.mfa import App, begin_sign_in, enrol, sign_in_with
from tests.web.conftest import PASSWORD, age_sign_in, sign_in

pytestmark = pytest.mark.django_db
ACTIVATE, CODES, CONFIRM = (
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/reauthenticate/",
)


def scan(client: Client) -> App:
    """What the page offers to an app."""
    page = client.get(ACTIVATE).content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    found = re.search(r'id="app-secret"[^>]*>([A-Z2-7 ]+)<', page)
    assert found is not None
    return App(found[1].replace(" ", ""))


@pytest.mark.django_db(transaction=True)  # allauth tells of it after the commit
def test_an_app_is_enrolled_and_asked_for_from_then_on(browser: Client, owner: Membership) -> None:
    app = scan(browser)
    assert browser.post(ACTIVATE, {"code": app.code()}).headers["Location"] == CODES
    assert (
        Client()
        .post("/accounts/login/", {"login": owner.user.email, "password": PASSWORD})
        .headers["Location"]
        .endswith("/2fa/authenticate/")
    )
    assert begin_sign_in(owner.user).get("/keys").status_code == 302, "the password alone is no sign-in"
    assert sign_in_with(owner.user, app.code(1)).get("/keys").status_code == 200
    assert "user.mfa_added" in AuditEvent.objects.filter(object=owner.user.public_id).values_list(
        "action", flat=True
    )


def test_reloading_the_page_does_not_spoil_a_scanned_code(browser: Client) -> None:
    assert scan(browser) == scan(browser)


def test_a_wrong_code_enrols_nothing(browser: Client) -> None:
    app = scan(browser)
    wrong = str((int(app.code()) + 1) % 10**6).zfill(6)
    answer = browser.post(ACTIVATE, {"code": wrong})
    assert "right or was used already" in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_nothing_of_a_factor_is_readable_in_the_database(browser: Client) -> None:
    app = scan(browser)
    (session,) = Session.objects.all()
    assert app.secret not in json.dumps(session.get_decoded())
    browser.post(ACTIVATE, {"code": app.code()})
    codes = re.findall(r"^\d{8}$", browser.get(CODES).content.decode().replace(">", ">\n"), re.MULTILINE)
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert len(codes) == 10
    assert app.secret not in stored
    assert not [code for code in codes if code in stored]
    assert unseal(Authenticator.objects.get(type="totp").data["secret"]).reveal() == app.secret


def test_a_code_works_once_and_an_older_one_no_more(owner: Membership) -> None:
    app = enrol(owner.user)
    now, later = app.code(), app.code(1)
    sign_in_with(owner.user, later)
    for code in (later, now):
        again = begin_sign_in(owner.user).post("/accounts/2fa/authenticate/", {"code": code})
        assert "was used already" in again.content.decode(), code


@pytest.mark.django_db(transaction=True)  # allauth tells of it after the commit
def test_the_code_that_enrolled_does_not_sign_in_as_well(browser: Client, owner: Membership) -> None:
    app = scan(browser)
    code = app.code()
    browser.post(ACTIVATE, {"code": code})
    answer = begin_sign_in(owner.user).post("/accounts/2fa/authenticate/", {"code": code})
    assert "was used already" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_with_one_code_one_gets_in(owner: Membership) -> None:
    app = enrol(owner.user)
    code, clients = app.code(), [begin_sign_in(owner.user) for _ in range(2)]
    ready, statuses = threading.Barrier(2), []

    def send(client: Client) -> None:
        ready.wait(10)
        statuses.append(client.post("/accounts/2fa/authenticate/", {"code": code}).status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [200, 302]


def test_guessing_codes_ends_after_a_few(owner: Membership) -> None:
    app = enrol(owner.user)
    client = begin_sign_in(owner.user)
    wrong = str((int(app.code()) + 1) % 10**6).zfill(6)
    for _ in range(10):
        client.post("/accounts/2fa/authenticate/", {"code": wrong})
    assert client.post("/accounts/2fa/authenticate/", {"code": app.code()}).status_code != 302
    assert client.get("/keys").status_code == 302


def test_recovery_codes_are_shown_once_and_work_once(browser: Client, owner: Membership) -> None:
    app = scan(browser)
    browser.post(ACTIVATE, {"code": app.code()})
    page = browser.get(CODES)
    assert "no-store" in page.headers["Cache-Control"]
    code = re.findall(r"\d{8}", page.content.decode())[0]
    assert 'download="recovery-codes.txt"' in page.content.decode()
    assert code not in browser.get(CODES).content.decode()
    assert browser.get(f"{CODES}download/").status_code == 403
    sign_in_with(owner.user, code)
    again = begin_sign_in(owner.user).post("/accounts/2fa/authenticate/", {"code": code})
    assert again.status_code == 200


def test_new_recovery_codes_end_the_old_ones(owner: Membership) -> None:
    app = enrol(owner.user)
    client = sign_in_with(owner.user, app.code())
    old = re.findall(r"\d{8}", client.get(CODES).content.decode())
    assert client.post(f"{CODES}generate/").headers["Location"] == CODES
    new = re.findall(r"\d{8}", client.get(CODES).content.decode())
    assert not set(old) & set(new)
    refused = begin_sign_in(owner.user).post("/accounts/2fa/authenticate/", {"code": old[0]})
    assert refused.status_code == 200


def test_few_codes_left_are_warned_of(owner: Membership) -> None:
    app = enrol(owner.user)
    client = sign_in_with(owner.user, app.code())
    assert "10 unused" in client.get("/settings/security").content.decode()
    codes = Authenticator.objects.get(type="recovery_codes")
    codes.data["used_mask"] = 0b11_1111_1110
    codes.save()
    assert "Only 1 left" in client.get("/settings/security").content.decode()


def test_removing_the_app_takes_the_recovery_codes_along(owner: Membership) -> None:
    app = enrol(owner.user)
    client = sign_in_with(owner.user, app.code())
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    sign_in(owner.user)


# Confirming


@pytest.mark.parametrize(
    "path",
    [
        ACTIVATE, "/accounts/2fa/totp/deactivate/", f"{CODES}generate/", "/accounts/2fa/webauthn/add/",
        "/accounts/password/change/",
    ],
)  # fmt: skip
def test_an_old_sign_in_is_asked_again_before_anything_changes(owner: Membership, path: str) -> None:
    client = sign_in(owner.user) if path == ACTIVATE else sign_in_with(owner.user, enrol(owner.user).code())
    before = list(Authenticator.objects.values())
    age_sign_in(client)
    for answer in (client.get(path), client.post(path, {"code": "1"})):
        assert answer.status_code == 302
        assert f"reauthenticate/?next={path.replace('/', '%2F')}" in answer.headers["Location"]
    assert list(Authenticator.objects.values()) == before


def test_recovery_codes_are_not_shown_to_an_old_sign_in(owner: Membership) -> None:
    client = sign_in_with(owner.user, enrol(owner.user).code())
    age_sign_in(client)
    assert client.get(CODES).headers["Location"].startswith(CONFIRM)
    assert client.get(f"{CODES}download/").headers["Location"].startswith(CONFIRM)


def test_a_password_alone_does_not_confirm_where_there_is_a_second_factor(owner: Membership) -> None:
    app = enrol(owner.user)
    client = sign_in_with(owner.user, app.code())
    age_sign_in(client)
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/keys"})
    assert answer.headers["Location"].startswith(CONFIRM)
    client.post("/accounts/2fa/totp/deactivate/")
    assert Authenticator.objects.filter(type="totp").exists()
    assert client.post(CONFIRM, {"code": app.code(1), "next": "/keys"}).headers["Location"] == "/keys"
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()


def test_a_fresh_sign_in_is_not_asked_again(browser: Client) -> None:
    assert browser.get(ACTIVATE).status_code == 200


def test_a_form_that_came_too_late_is_not_kept_in_the_session(browser: Client) -> None:
    """allauth would repeat it by itself afterwards, whatever was in it."""
    age_sign_in(browser)
    assert "reauthenticate" in browser.post(ACTIVATE, {"code": "marked"}).headers["Location"]
    assert "marked" not in json.dumps(browser.session.load())


def test_nothing_of_a_strangers_form_is_kept_in_the_session() -> None:
    """allauth would keep the request whole, with the environment that the server hands on with it."""
    browser = Client(PORTAL_SEALING_KEYS="marked")
    browser.get("/accounts/login/")
    for path in (ACTIVATE, f"{CODES}generate/", "/accounts/2fa/webauthn/add/"):
        answer = browser.post(path, {"code": "marked"})
        assert answer.headers["Location"] == f"/accounts/login/?next={path}"
        assert "marked" not in json.dumps(browser.session.load())


@pytest.fixture
def elsewhere(owner: Membership, settings: Any) -> Client:
    """Signed in a while ago by somebody who has neither password nor factor, only a provider."""
    app = {"provider_id": "acme", "name": "Acme", "client_id": "x", "secret": "y"}
    app["settings"] = {"server_url": "https://id.example"}  # type: ignore[assignment]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    owner.user.set_unusable_password()
    owner.user.save()
    for provider in ("gone", "acme"):
        SocialAccount.objects.create(user=owner.user, provider=provider, uid="1")
    client = Client()
    client.force_login(owner.user)
    return client


def test_whoever_has_only_an_identity_provider_confirms_there(elsewhere: Client) -> None:
    answer = elsewhere.get("/accounts/reauthenticate/?next=/keys")
    assert answer.headers["Location"] == "/accounts/oidc/acme/login/?next=%2Fkeys"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (ACTIVATE, {"code": "1"}),
        ("/accounts/2fa/webauthn/add/", {}),
        ("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD}),
        ("/accounts/email/", {"action_add": "", "email": "thief@evil.example"}),
        ("/accounts/email/", {"action_remove": "", "email": "second@acme.example"}),
    ],
)
def test_their_old_sign_in_is_asked_again_too(
    elsewhere: Client, owner: Membership, path: str, form: dict[str, str]
) -> None:
    """Else whoever finds the laptop open sets a password of their own."""
    EmailAddress.objects.create(user=owner.user, email="second@acme.example", verified=True)
    answer = elsewhere.post(path, form)
    assert answer.headers["Location"].startswith("/accounts/oidc/acme/login/?next=%2Faccounts%2F")
    assert not User.objects.get(pk=owner.user_id).has_usable_password()
    assert EmailAddress.objects.filter(user=owner.user).count() == 2


def test_a_first_password_where_there_is_a_second_factor_needs_the_factor(owner: Membership) -> None:
    enrol(owner.user)
    owner.user.set_unusable_password()
    owner.user.save()
    client = Client()
    client.force_login(owner.user)
    form = {"password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/password/set/", form).headers["Location"].startswith(CONFIRM)
    assert not User.objects.get(pk=owner.user_id).has_usable_password()


def test_an_address_is_changed_with_a_second_factor_too(owner: Membership) -> None:
    client = sign_in_with(owner.user, enrol(owner.user).code())
    client.post("/accounts/email/", {"action_add": "", "email": "new@acme.example"})
    assert EmailAddress.objects.filter(user=owner.user, email="new@acme.example", verified=False).exists()
    assert client.get(ACTIVATE).headers["Location"] == "/accounts/2fa/totp/deactivate/"


# Passkeys


def test_under_an_address_passkeys_are_hidden_and_the_page_says_why(browser: Client) -> None:
    assert "Passkeys can't be used here" in browser.get("/settings/security").content.decode()
    assert "passkey" not in Client().get("/accounts/login/").content.decode()


def test_passkeys_are_bound_to_the_portals_own_name(browser: Client, settings: Any) -> None:
    settings.PORTAL_BASE_URL = "https://portal.example"
    settings.ALLOWED_HOSTS = ["*"]
    page = browser.get("/accounts/2fa/webauthn/add/", headers={"Host": "evil.example"})
    options = json.loads(re.findall(r'id="passkey-challenge"[^>]*>(.*?)</script>', page.content.decode())[0])
    assert options["creation_options"]["publicKey"]["rp"] == {"id": "portal.example", "name": "Latchkey"}


@pytest.mark.parametrize(
    "credential",
    ["", "no json", "[]", "1", '"x"', "null", "{}", '{"response": null}', '{"response": {"userHandle": "AA"}}',
     '{"id": "AA", "rawId": "%%", "type": "public-key", "response": {"clientDataJSON": "%", "attestationObject": "AA"}}',
     '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
     '"attestationObject": "AA", "authenticatorData": "AA", "signature": "AA", "userHandle": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"}}'],
)  # fmt: skip
def test_made_up_credentials_are_refused(owner: Membership, credential: str) -> None:
    client = sign_in(owner.user)
    client.get("/accounts/2fa/webauthn/add/")
    assert client.post("/accounts/2fa/webauthn/add/", {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()
    stranger = Client()
    stranger.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    answer = stranger.post("/accounts/2fa/webauthn/login/", {"credential": credential})
    assert answer.headers["Location"] == "/accounts/login/"
    assert stranger.get("/keys").status_code == 302
    enrol(owner.user)
    halfway = begin_sign_in(owner.user)
    halfway.get("/accounts/2fa/authenticate/")
    assert halfway.post("/accounts/2fa/authenticate/", {"credential": credential}).status_code == 200


def test_a_strangers_passkey_is_not_there(browser: Client) -> None:
    other: User = MembershipFactory().user
    passkey = Authenticator.objects.create(
        user=other, type="webauthn", data={"name": "theirs", "credential": {}}
    )
    for change in ("edit", "remove"):
        path = f"/accounts/2fa/webauthn/keys/{passkey.pk}/{change}/"
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"name": "mine"}).status_code == 404
    passkey.refresh_from_db()
    assert passkey.data["name"] == "theirs"
