"""Status lists as a gateway fetches them, straight at the WSGI application."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection

from portal.models import StatusList, StatusListChange
from portal.published import snapshot
from portal.published import status_lists as published
from portal.services.status_lists import publish_status_lists
from tests.key_numbers import restart_key_numbers
from tests.published.test_application import Gateway, gateway, stale  # noqa: F401  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = "/.well-known/status-lists"


@pytest.fixture(autouse=True)
def list_0() -> None:
    restart_key_numbers()
    publish_status_lists()


def token(number: int = 0) -> bytes:
    return StatusList.objects.get(number=number).token.encode()


def renew() -> bytes:
    """Sign list 0 anew; returns it."""
    StatusListChange.objects.create(number=0)
    publish_status_lists()
    return token()


def test_a_list(gateway: Gateway) -> None:  # noqa: F811
    body = gateway("GET", f"{LISTS}/0", accept="application/statuslist+jwt", host="anything.example")
    assert (gateway.status, body) == ("200 OK", token())
    assert gateway.headers["Content-Type"] == "application/statuslist+jwt"
    assert gateway.headers["Cache-Control"] == "public, max-age=60"
    assert gateway.headers["Access-Control-Allow-Origin"] == "*"
    assert gateway.headers["Content-Length"] == str(len(body))
    assert not {"Set-Cookie", "Vary"} & gateway.headers.keys()


def test_an_etag_spares_the_body(gateway: Gateway) -> None:  # noqa: F811
    gateway("GET", f"{LISTS}/0")
    etag = gateway.headers["ETag"]
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        assert gateway("GET", f"{LISTS}/0", if_none_match=header) == b""
        assert (gateway.status, gateway.headers["ETag"]) == ("304 Not Modified", etag)
        assert gateway.headers["Cache-Control"] == "public, max-age=60"
    assert gateway("GET", f"{LISTS}/0", if_none_match='"other"') == token()


def test_head_has_the_headers_alone(gateway: Gateway) -> None:  # noqa: F811
    assert gateway("HEAD", f"{LISTS}/0") == b""
    assert (gateway.status, gateway.headers["Content-Length"]) == ("200 OK", str(len(token())))


def test_other_methods(gateway: Gateway) -> None:  # noqa: F811
    gateway("OPTIONS", f"{LISTS}/0")
    assert gateway.status == "204 No Content"
    assert gateway.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    gateway("POST", f"{LISTS}/0")
    assert (gateway.status[:3], gateway.headers["Allow"]) == ("405", "GET, HEAD, OPTIONS")


def test_the_list_of_lists_is_where_discovery_says(gateway: Gateway) -> None:  # noqa: F811
    StatusListChange.objects.create(number=7)
    publish_status_lists()
    metadata = json.loads(gateway("GET", "/.well-known/oauth-authorization-server"))
    where = metadata["status_list_aggregation_endpoint"]
    assert where == f"{metadata['issuer']}{LISTS}"
    found = json.loads(gateway("GET", LISTS))
    assert found == {"status_lists": [f"{where}/0", f"{where}/7"]}
    assert gateway.headers["Content-Type"] == "application/json"
    for uri in found["status_lists"]:
        assert gateway("GET", uri.removeprefix(metadata["issuer"])) == token(int(uri.rpartition("/")[2]))


@pytest.mark.parametrize(
    "name",
    [
        "1", "-1", "00", "01", "0/", "0/0", "+0", " 0", "0 ", "0.0", "0x0", "1e9", "9" * 10_000, "null", "..",
        "../jwks.json", "\u00b2", "\u0660", "0\0", "%00", "0;a=b", "' OR 1=1 --", "{id}",
    ],
)  # fmt: skip
def test_what_is_no_list_is_not_found(gateway: Gateway, name: str) -> None:  # noqa: F811
    assert gateway("GET", f"{LISTS}/{name}") == b""
    assert gateway.status == "404 Not Found"
    assert gateway.headers["Cache-Control"] == "no-store"
    assert gateway.headers["Access-Control-Allow-Origin"] == "*"
    assert set(gateway.app._lists.get() or ()) == {"", "0"}  # asking leaves nothing behind


def test_neighbouring_paths_are_djangos(gateway: Gateway) -> None:  # noqa: F811
    assert gateway("GET", f"{LISTS}x") == b"inner"


def test_requests_ask_no_database(gateway: Gateway, django_assert_num_queries: Any) -> None:  # noqa: F811
    gateway("GET", f"{LISTS}/0")
    with django_assert_num_queries(0):
        for _ in range(20):
            assert gateway("GET", f"{LISTS}/0")


def test_a_list_that_was_signed_anew_follows(gateway: Gateway, stale: None) -> None:  # noqa: F811
    before = gateway("GET", f"{LISTS}/0")
    etag = gateway.headers["ETag"]
    StatusList.objects.update(token="another", revision=2)
    assert gateway("GET", f"{LISTS}/0", if_none_match=etag) == b"another" != before


def test_only_what_was_signed_anew_is_read(stale: None, django_assert_num_queries: Any) -> None:  # noqa: F811
    StatusListChange.objects.create(number=7)
    publish_status_lists()
    lists = published.StatusLists()
    lists._read()
    with django_assert_num_queries(1) as asked:
        lists._read()
    assert "token" not in asked[0]["sql"]
    renewed = renew()
    with django_assert_num_queries(2):
        assert lists._read()["0"].body == renewed


def test_lists_outlive_the_database(
    gateway: Gateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    stale: None,  # noqa: F811
) -> None:
    def away(execute: Any, *rest: Any) -> None:
        raise OperationalError

    before = gateway("GET", f"{LISTS}/0")
    real = gateway.app._lists._snapshot._make

    def make() -> Any:
        with connection.execute_wrapper(away):
            return real()

    monkeypatch.setattr(gateway.app._lists._snapshot, "_make", make)
    assert gateway("GET", f"{LISTS}/0") == before
    assert gateway("GET", f"{LISTS}/1") == b""
    assert gateway.status == "404 Not Found"
    fresh = Gateway()
    monkeypatch.setattr(fresh.app._lists._snapshot, "_make", make)
    fresh("GET", f"{LISTS}/0")
    assert (fresh.status[:3], fresh.headers["Retry-After"]) == ("503", "5")
    assert snapshot.FRESH_SECONDS < 0
