"""Whatever goes wrong has a page in our frame: the right status, a sentence, a way on, and never stored."""

from html import unescape
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.views.decorators.http import require_POST
from pytest_django import Settings

from portal.config.urls import urlpatterns as ours
from portal.web.errors import server_error, too_many_requests
from tests.web.strict import assert_strict

pytestmark = pytest.mark.django_db


def broken(request: HttpRequest) -> HttpResponse:
    raise {"database": OperationalError("secret-host"), "ours": ValueError("secret")}[request.GET["what"]]


@require_POST
def changes(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


urlpatterns = [
    *ours,
    path("broken", broken),
    path("changes", changes),
    path("tried", lambda request: too_many_requests(request, retry_after=300)),
]
handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.not_allowed"
handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"


@pytest.fixture(autouse=True)
def with_pages_that_fail(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


FAILURES = [
    ("GET", "/nothing-here", 404),
    ("GET", "/changes", 405),
    ("POST", "/language", 403),
    ("GET", "/tried", 429),
    ("GET", "/broken?what=ours", 500),
    ("GET", "/broken?what=database", 503),
]


@pytest.mark.parametrize(("method", "where", "status"), FAILURES)
def test_every_failure_has_a_page(visitor: Client, method: str, where: str, status: int) -> None:
    answer: Any = visitor.generic(method, where)
    page = answer.content.decode()
    assert answer.status_code == status
    assert page.count("<h1>") == 1
    assert f'<p class="number">{status}</p>' in page
    assert 'role="button"' in page
    assert 'class="brand"' in page
    assert "no-store" in answer["Cache-Control"]
    assert "secret" not in page
    assert_strict(answer)


def test_a_malformed_host_has_a_page(visitor: Client) -> None:
    answer = visitor.get("/", headers={"host": "somewhere.else.example"})
    assert answer.status_code == 400
    assert "<h1>This request can't be read</h1>" in unescape(answer.content.decode())


def test_a_body_that_is_too_large_has_a_page(visitor: Client) -> None:
    answer = visitor.post("/accounts/login/", {"login": "x" * 1_048_577})
    assert (answer.status_code, answer["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "That was too much at once" in answer.content.decode()
    assert_strict(answer)


def test_a_head_that_is_too_large_has_a_page_and_for_programs_a_problem(visitor: Client) -> None:
    assert visitor.get("/", headers={"x-much": "x" * 40_000}).status_code == 431
    answer = visitor.get("/api/v1/keys", headers={"x-much": "x" * 40_000})
    assert answer.json()["code"] == "head_too_large"


def test_what_is_asked_for_in_the_wrong_way_says_which_way_is_right(visitor: Client) -> None:
    assert visitor.get("/changes")["Allow"] == "POST"


def test_who_tried_too_often_is_told_when_to_come_back(visitor: Client) -> None:
    answer = visitor.get("/tried")
    assert answer["Retry-After"] == "300"
    assert "Try again in 5 minutes." in answer.content.decode()


def test_a_database_that_is_away_is_503_and_says_when_to_come_back(visitor: Client) -> None:
    answer = visitor.get("/broken?what=database")
    assert answer["Retry-After"] == "5"


def test_a_fault_of_ours_names_what_to_quote(visitor: Client) -> None:
    answer = visitor.get("/broken?what=ours")
    assert f"<code>{answer['X-Request-Id']}</code>" in answer.content.decode()


@pytest.mark.parametrize("error", [OperationalError, ValueError])
def test_the_worst_pages_need_neither_session_nor_database(rf: RequestFactory, error: Any) -> None:
    request = rf.get("/", headers={"accept-language": "de, en;q=0.5"})
    try:
        raise error
    except error:
        with CaptureQueriesContext(connection) as queries:
            answer = server_error(request)
    assert len(queries) == 0
    assert b'<html lang="de">' in answer.content


@pytest.mark.parametrize(("where", "status"), [("/nothing", 404), ("/changes", 405), ("/tried", 429)])
def test_htmx_gets_a_sentence_and_no_page(visitor: Client, where: str, status: int) -> None:
    answer = visitor.get(where, headers={"hx-request": "true"})
    assert answer.status_code == status
    assert "<" not in answer.content.decode()


def test_programs_get_problems(visitor: Client) -> None:
    answer = visitor.get("/api/v1/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_error_is_told_in_the_readers_language(visitor: Client) -> None:
    answer = visitor.get("/nothing-here", headers={"accept-language": "de"})
    assert '<html lang="de">' in answer.content.decode()
