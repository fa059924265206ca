"""``PORTAL_MAINTENANCE``: customers wait, while keys, gateways and staff go on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import Api
from tests.web.strict import assert_strict

pytestmark = pytest.mark.django_db


@pytest.fixture
def maintained(settings: Settings) -> None:
    settings.PORTAL_MAINTENANCE = True


@pytest.mark.usefixtures("maintained")
@pytest.mark.parametrize("where", ["/", "/dashboard", "/keys", "/docs", "/settings", "/accounts/signup/"])
def test_customers_pages_say_when_to_come_back_and_ask_no_database(
    where: str, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.get(where)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "300", "no-store")
    assert "Your keys keep working" in answer.content.decode()
    assert_strict(answer)


def test_nothing_is_changed_by_a_form(browser_before: Client) -> None:
    assert browser_before.post("/keys/new", {"name": "another"}).status_code == 503


@pytest.fixture
def browser_before(settings: Settings, browser: Client) -> Client:
    """An owner who had signed in before."""
    settings.PORTAL_MAINTENANCE = True
    return browser


@pytest.mark.usefixtures("maintained")
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/customers/x")]
)
def test_programs_get_a_problem(api: Api, method: str, path: str) -> None:
    answer = api(method, path)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "maintenance", "300")
    assert answer["Content-Type"] == "application/problem+json"


def test_gateways_go_on_asking(
    api: Api, issue: Callable[..., dict[str, Any]], settings: Settings, client: Client
) -> None:
    secret = issue()["secret"]
    settings.PORTAL_MAINTENANCE = True
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/verify", headers=headers).status_code == 204
    assert api.form("/introspect", token=secret).json()["active"] is True
    assert client.post("/api/v1/verify", headers=headers).status_code == 503


@pytest.mark.usefixtures("maintained")
@pytest.mark.parametrize(
    ("where", "status"), [("/branding.css", 200), ("/accounts/login/", 200), ("/admin/", 302)]
)
def test_staff_get_in(client: Client, where: str, status: int) -> None:
    assert client.get(where).status_code == status


def test_otherwise_all_goes_on(client: Client) -> None:
    assert client.get("/").status_code == 200
