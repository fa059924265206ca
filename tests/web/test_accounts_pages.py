"""Every page of allauth that the URLconf reaches is ours: its template, its style, its language."""

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from portal.config.identity_providers import IdentityProvider
from portal.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.routes import Route, every_route
from tests.web.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
OURS = str(django_settings.BASE_DIR / "templates")
EXAMPLES = {
    "<slug:provider_id>": "acme", r"(?P<key>[-:\w]+)/$": "Mw:1:x/", "<int:pk>": "1",
    r"(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "1-set-password/",
}  # fmt: skip
ROUTES = [route for route in every_route() if route.path.startswith("accounts/")]


def address(route: Route) -> str:
    path = route.path
    for pattern, example in EXAMPLES.items():
        path = path.replace(pattern, example)
    assert not set("<(") & set(path), f"give an example of {route.path}"
    return f"/{path}"


@pytest.fixture(autouse=True)
def with_a_provider(settings: Any) -> None:
    acme = IdentityProvider("acme", "Acme", "http://127.0.0.1:9", "id", "hush")
    settings.IDENTITY_PROVIDERS = (acme,)
    kind = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**kind, "APPS": [acme.as_app]}}
    settings.PORTAL_SIGNUP = "open"


def check(answer: Any) -> None:
    """A page in our frame, made of our templates alone, or a way elsewhere."""
    assert answer.status_code in (200, 302, 301, 400, 401, 403, 404, 405), answer.status_code
    files = [template.origin.name for template in answer.templates if template.origin]
    foreign = [name for name in files if not name.startswith(OURS) and "django/forms" not in name]
    assert foreign == []
    if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
        assert answer.content.count(b"<h1") == 1
        assert b'class="skip"' in answer.content


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_each_page_is_ours(route: Route) -> None:
    check(Client().get(address(route)))
    check(sign_in(MembershipFactory().user).get(address(route)))


def test_pages_are_in_the_readers_language_where_it_is_translated() -> None:
    page = Client().get("/accounts/login/", headers={"accept-language": "de"})
    assert page.headers["Content-Language"] == "de"


@pytest.mark.parametrize("path", ["email", "password/change", "3rdparty"])
def test_pages_of_signed_in_people_show_the_customer_and_the_settings(path: str) -> None:
    owner = MembershipFactory()
    page = sign_in(owner.user).get(f"/accounts/{path}/").content.decode()
    assert owner.customer.name in page
    assert re.search(rf'href="/accounts/{path}/" aria-current="page"', page)


@pytest.mark.parametrize("path", ["email", "password/change", "3rdparty"])
def test_pages_of_signed_in_people_ask_little_of_the_database(
    path: str, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(MembershipFactory().user)
    with django_assert_max_num_queries(12):
        client.get(f"/accounts/{path}/")
    with django_assert_max_num_queries(4):
        Client().get("/accounts/login/")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http://testserver.evil.example/",
        "javascript:1",
    ],
)
def test_no_form_leads_elsewhere(target: str) -> None:
    user = UserFactory()
    credentials = {"login": user.email, "password": PASSWORD, "next": target}
    client = Client()
    assert client.post("/accounts/login/", credentials).url == "/dashboard"
    assert client.get("/accounts/login/", {"next": target}).url == "/dashboard"
    assert client.post("/accounts/logout/", {"next": target}).url == "/"


def test_a_way_inside_is_kept() -> None:
    user = UserFactory()
    credentials = {"login": user.email, "password": PASSWORD, "next": "/keys?status=active"}
    assert Client().post("/accounts/login/", credentials).url == "/keys?status=active"


def test_the_session_is_a_new_one_after_signing_in() -> None:
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    user = UserFactory()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session.session_key != session.session_key


@pytest.mark.parametrize(("remember", "lasts"), [({}, False), ({"remember": "on"}, True)])
def test_only_who_asks_for_it_stays_signed_in(remember: dict[str, str], lasts: bool) -> None:
    user = UserFactory()
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, **remember})
    assert bool(client.cookies[django_settings.SESSION_COOKIE_NAME]["max-age"]) is lasts


def test_a_new_password_ends_other_sessions_and_keeps_this_one() -> None:
    user = UserFactory()
    here, elsewhere = sign_in(user), sign_in(user)
    form = {"oldpassword": PASSWORD, "password1": "a new horse battery", "password2": "a new horse battery"}
    assert here.post(reverse("account_change_password"), form).status_code == 302
    assert here.get("/settings").status_code == 200
    assert elsewhere.get("/settings").status_code == 302


def test_the_address_is_changed_by_adding_confirming_and_making_it_primary(settings: Any) -> None:
    settings.PORTAL_BASE_URL = "http://testserver"
    user = UserFactory()
    client = sign_in(user)
    client.post("/accounts/email/", {"action_add": "", "email": "New@acme.example"})
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link is not None
    client.post(link[0])
    client.post("/accounts/email/", {"action_primary": "", "email": "new@acme.example"})
    client.post("/accounts/email/", {"action_remove": "", "email": user.email})
    user.refresh_from_db()
    assert user.email == "new@acme.example"
    assert list(user.emailaddress_set.values_list("email", flat=True)) == [user.email]


def test_an_account_has_five_addresses_at_most() -> None:
    client = sign_in(UserFactory())
    for number in range(6):
        client.post("/accounts/email/", {"action_add": "", "email": f"more{number}@acme.example"})
    assert b"as many as an account can have" in client.get("/accounts/email/").content
    assert User.objects.get().emailaddress_set.count() == 5
