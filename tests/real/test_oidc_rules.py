"""Whom an identity provider lets in, rule by rule: the real provider, the portal in this process."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from portal.config.identity_providers import IdentityProvider
from portal.core.clock import now
from portal.models import AuditEvent, Invitation, Notice, User
from tests.factories import CustomerFactory, UserFactory
from tests.fakes.oidc.process import CLIENT_ID, CLIENT_SECRET, OIDCProcess
from tests.web.conftest import PASSWORD, age_sign_in, sign_in

pytestmark = pytest.mark.django_db
EMAIL = "ada@new.example"
PEOPLE = {
    "ada": {"email": EMAIL, "email_verified": True, "name": "Ada"},
    "doubtful": {"email": EMAIL, "email_verified": False},
    "other": {"email": "other@new.example", "email_verified": True},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[OIDCProcess]:
    with OIDCProcess(PEOPLE, "http://127.0.0.1:8000/accounts/oidc/acme/login/callback/") as process:
        yield process


@pytest.fixture(autouse=True)
def configured(settings: Any, provider: OIDCProcess) -> None:
    acme = IdentityProvider("acme", "Acme", provider.url, CLIENT_ID, CLIENT_SECRET)
    settings.IDENTITY_PROVIDERS = (acme,)
    kind = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**kind, "APPS": [acme.as_app]}}
    settings.PORTAL_SIGNUP = "open"


def continue_as(
    person: str, client: Client | None = None, page: str = "/accounts/oidc/acme/login/"
) -> tuple[Client, Any]:
    """Sign in at the provider; returns the browser and the portal's answer."""
    client = client or Client()
    out = client.post(page)
    session = requests.Session()
    asked = session.get(out.url, timeout=20)
    answer = session.get(asked.url, params={"as": person}, allow_redirects=False, timeout=20)
    while "/callback/" not in answer.headers["Location"]:
        answer = session.get(answer.headers["Location"], allow_redirects=False, timeout=20)
    return client, client.get(answer.headers["Location"].removeprefix("http://127.0.0.1:8000"))


def is_in(client: Client) -> bool:
    return bool(client.get("/dashboard").status_code == 200)


def invite(client: Client, email: str = EMAIL) -> None:
    invitation = Invitation.objects.create(
        customer=CustomerFactory(), email=email, expires_at=now() + timedelta(days=1)
    )
    session = client.session
    session["invitation"] = [invitation.public_id, invitation.version]
    session.save()


def test_a_new_account_is_recorded_and_welcomed_and_keeps_no_token() -> None:
    client, answer = continue_as("ada")
    assert answer.url == "/welcome"
    user = User.objects.get(email=EMAIL)
    assert (user.name, user.has_usable_password()) == ("Ada", False)
    assert AuditEvent.objects.filter(action="user.created", object=user.public_id).exists()
    assert Notice.objects.filter(kind="welcome", user=user).count() == 1
    assert "access_token" not in str(dict(client.session.items()))


def test_the_session_is_a_new_one() -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/accounts/oidc/acme/login/")  # its state is kept in a session
    before = client.session.session_key
    continue_as("ada", client)
    assert client.session.session_key != before


def test_by_invitation_nobody_else_gets_in(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "invite"
    client, answer = continue_as("ada")
    assert b"Accounts are by invitation" in answer.content
    assert not is_in(client)
    assert not User.objects.exists()


def test_by_invitation_those_get_in_who_have_an_account(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "invite"
    UserFactory(email=EMAIL)
    client, _answer = continue_as("ada")
    assert is_in(client)


def test_the_invited_person_comes_back_to_the_invitation(settings: Any) -> None:
    settings.PORTAL_SIGNUP = "invite"
    client = Client()
    invite(client)
    _, answer = continue_as("ada", client)
    assert answer.url.startswith(f"/invitations/{Invitation.objects.get().public_id}.1.")
    assert is_in(client)


@pytest.mark.parametrize("person", ["other", "doubtful"])
def test_an_invitation_lets_in_who_proves_its_address_alone(settings: Any, person: str) -> None:
    settings.PORTAL_SIGNUP = "invite"
    client = Client()
    invite(client)
    _, answer = continue_as(person, client)
    assert b"Accounts are by invitation" in answer.content
    assert not User.objects.exists()


def test_an_account_that_proved_the_address_keeps_its_password() -> None:
    user = UserFactory(email=EMAIL)
    client, _answer = continue_as("ada")
    assert is_in(client)
    assert SocialAccount.objects.get().user == user
    assert User.objects.get().check_password(PASSWORD)


def test_an_account_made_before_with_somebodys_address_is_theirs_alone_afterwards() -> None:
    """Whoever made it knows its password, and may have connected an identity of their own."""
    squatted = UserFactory(email=EMAIL, proven=False)
    SocialAccount.objects.create(user=squatted, provider="acme", uid="the squatter")
    client, _answer = continue_as("ada")
    assert is_in(client)
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()
    assert not SocialAccount.objects.filter(uid="the squatter").exists()
    assert EmailAddress.objects.get(user=squatted).verified


def test_an_address_that_somebody_only_added_leads_not_into_their_account() -> None:
    squatter = UserFactory()
    EmailAddress.objects.create(user=squatter, email=EMAIL)
    client, answer = continue_as("ada")
    assert answer.url == "/welcome"
    assert is_in(client)
    assert SocialAccount.objects.get().user != squatter


def test_staff_are_never_connected_by_their_address() -> None:
    UserFactory(email=EMAIL, is_staff=True)
    client, answer = continue_as("ada")
    assert answer.status_code == 403
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_an_account_of_staff_that_never_proved_its_address_keeps_its_password() -> None:
    UserFactory(email=EMAIL, is_staff=True, proven=False)
    _client, answer = continue_as("ada")
    assert answer.status_code == 403
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize("proven", [True, False])
def test_an_account_that_is_switched_off_stays_so(proven: bool) -> None:
    UserFactory(email=EMAIL, is_active=False, proven=proven)
    client, answer = continue_as("ada")
    assert answer.url == "/accounts/inactive/"
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_the_same_subject_of_another_issuer_is_somebody_else(settings: Any, provider: OIDCProcess) -> None:
    continue_as("ada")
    uid = SocialAccount.objects.get().uid
    assert uid != "ada"
    SocialAccount.objects.update(uid="ada")  # as it would be if the subject alone counted
    continue_as("ada")
    assert sorted(SocialAccount.objects.values_list("uid", flat=True)) == sorted(["ada", uid])


def test_a_connection_is_of_no_use_when_its_provider_is_switched_off(settings: Any) -> None:
    client, _answer = continue_as("ada")
    settings.IDENTITY_PROVIDERS = ()
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": []}
    }
    page = client.get("/accounts/3rdparty/")
    assert b"None is connected" in page.content
    account = str(SocialAccount.objects.get().pk)
    assert client.post("/accounts/3rdparty/", {"account": account}).status_code == 200
    assert client.get("/accounts/oidc/acme/login/").status_code == 404


def test_disconnecting_somebody_elses_connection_does_nothing() -> None:
    continue_as("ada")
    account = str(SocialAccount.objects.get().pk)
    sign_in(UserFactory()).post("/accounts/3rdparty/", {"account": account})
    assert SocialAccount.objects.filter(pk=account).exists()


def test_who_has_nothing_else_confirms_at_the_provider_after_a_while() -> None:
    client, _answer = continue_as("ada")
    age_sign_in(client)
    way = client.get("/accounts/reauthenticate/?next=/settings/security")
    assert way.url == "/accounts/oidc/acme/login/?next=%2Fsettings%2Fsecurity"
    assert b"Continue with Acme?" in client.get(way.url).content
    assert "prompt=login" in client.post(way.url).url  # the provider asks for the password again
    _, answer = continue_as("ada", client, way.url)
    assert answer.url == "/settings/security"
    (record,) = client.session["account_authentication_methods"]
    assert record["at"] > now().timestamp() - 60


def test_what_is_asked_of_the_provider_is_ours_to_say() -> None:
    out = Client().post("/accounts/oidc/acme/login/?scope=admin&auth_params=prompt%3Dnone%26acr_values%3D1")
    assert "admin" not in out.url
    assert "acr_values" not in out.url


def test_a_provider_that_signs_people_in_elsewhere_is_reached_by_a_link(settings: Any) -> None:
    """Browsers hold a form's redirects against ``form-action``, which names the issuers' origins."""
    (acme,) = settings.IDENTITY_PROVIDERS
    settings.IDENTITY_PROVIDERS = (replace(acme, issuer="https://issuer.example"),)
    page = Client().post("/accounts/oidc/acme/login/")
    assert page.status_code == 200
    link = re.search(rf'href="({re.escape(acme.issuer)}/auth[^"]+)"', page.content.decode())
    assert link is not None
    assert f'content="0;url={link[1]}"' in page.content.decode()
