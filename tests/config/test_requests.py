"""Request ids and the access line."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from structlog.contextvars import bind_contextvars, get_contextvars

from portal.config.logging import logging_config
from portal.config.requests import RequestLog
from portal.models import User
from tests.conftest import Api, token_for
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What is logged while the test runs, from info on, as fields."""
    caplog.set_level(logging.INFO, logger="portal.http")

    class Lines(list[dict[str, Any]]):
        def __iter__(self) -> Iterator[dict[str, Any]]:
            return iter([record.msg for record in caplog.records if isinstance(record.msg, dict)])

    return Lines()


def access(lines: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = [line for line in lines if line["event"] == "http.request"]
    return line


@pytest.mark.parametrize("given", ["a", "Trace.1_2-3", "x" * 64])
def test_a_harmless_id_of_the_caller_is_kept(api: Api, lines: list[dict[str, Any]], given: str) -> None:
    assert api.get("/keys", x_request_id=given)["X-Request-Id"] == given
    assert access(lines)["request_id"] == given


@pytest.mark.parametrize(
    "given", [None, "", "x" * 65, "a b", 'a"b', "a\u00e9", "${jndi:x}", "a/b", "a\u0661"]
)
def test_else_one_is_made(api: Api, lines: list[dict[str, Any]], given: str | None) -> None:
    headers = {} if given is None else {"x_request_id": given}
    made = [api.get("/keys", **headers)["X-Request-Id"] for _ in range(2)]
    assert all(re.fullmatch(r"req_[0-9A-Za-z]{20}", one) for one in made)
    assert made[0] != made[1]


def test_one_line_a_request_with_ids_alone(staff: User, lines: list[dict[str, Any]]) -> None:
    owner = MembershipFactory()
    token = token_for(staff)
    Api(token).get(f"/keys/key_{'a' * 20}?customer={owner.customer.public_id}&email=ada@acme.example")
    line = dict(access(lines))
    assert line.pop("duration_ms") >= 0
    assert line.pop("actor").startswith("token tok_")
    assert line.pop("request_id")
    del line["logger"], line["level"], line["timestamp"]
    assert line == {"event": "http.request", "method": "GET", "route": "api/v1/keys/<slug:id>", "status": 404}
    assert token not in str(list(lines))


def test_a_signed_in_person_is_named_by_id(client: Client, lines: list[dict[str, Any]]) -> None:
    owner = MembershipFactory()
    client.force_login(owner.user)
    assert client.get("/keys").status_code == 200
    assert access(lines)["actor"] == f"user {owner.user.public_id}"
    assert owner.user.email not in str(list(lines))


def test_a_visitor_is_nobody(client: Client, lines: list[dict[str, Any]]) -> None:
    client.get("/accounts/login/")
    assert access(lines)["actor"] is None


def test_static_files_are_no_news(client: Client, lines: list[dict[str, Any]]) -> None:
    client.get("/static/portal/none.css")
    client.get("/no/such/page/4915112345678")
    assert access(lines)["route"] == "unmatched"
    assert "4915112345678" not in str(list(lines))


def test_nothing_of_one_request_reaches_the_next(rf: RequestFactory) -> None:
    """Threads answer many requests."""

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(get_contextvars())
        bind_contextvars(customer="cus_of_the_first")
        if len(seen) == 1:
            raise RuntimeError
        return HttpResponse()

    seen: list[dict[str, Any]] = []
    bind_contextvars(left="over")
    log = RequestLog(view)
    with pytest.raises(RuntimeError):
        log(rf.get("/"))
    assert get_contextvars() == {}
    log(rf.get("/"))
    assert [list(one) for one in seen] == [["request_id"], ["request_id"]]
    assert get_contextvars() == {}


def broken(request: HttpRequest, phone: str) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("api/broken/<phone>", broken), path("broken/<phone>", broken)]
handler500 = "portal.web.errors.server_error"


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_found_by_the_id_in_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(raise_request_exception=False)
    answer = client.get("/api/broken/4915112345678")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "internal_error")
    assert body["request_id"] == answer["X-Request-Id"]
    page = client.get("/broken/4915112345678", headers={"X-Request-Id": "quote-me"})
    assert (page.status_code, page["X-Request-Id"]) == (500, "quote-me")
    assert "quote-me" in page.content.decode()


@pytest.fixture
def log_again() -> Iterator[None]:
    """Logging as before the test, once its captured stderr is gone."""
    yield
    logging_config(settings.LOG_LEVEL, settings.LOG_FORMAT)


@pytest.mark.urls(__name__)
def test_the_fault_is_logged_with_its_trace_and_without_the_path(
    log_again: None, capfd: pytest.CaptureFixture[str]
) -> None:
    logging_config("INFO", "json")
    Client(raise_request_exception=False).get("/broken/4915112345678", headers={"X-Request-Id": "r-1"})
    printed = capfd.readouterr().err
    assert "ZeroDivisionError" in printed
    assert "Internal Server Error" in printed
    assert "4915112345678" not in printed
    assert printed.count('"request_id": "r-1"') == len(printed.strip().splitlines()) == 2


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_addresses_that_plugins_ask_for_are_not_logged(
    level: str, log_again: None, capfd: pytest.CaptureFixture[str]
) -> None:
    logging_config(level, "json")
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as client:
        assert client.get("https://id.example/users-by-email?email=ada@acme.example").status_code == 200
    assert not logging.getLogger("httpcore.connection").isEnabledFor(logging.INFO)
    assert "ada" not in capfd.readouterr().err
