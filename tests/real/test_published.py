"""What gateways fetch, over real HTTP: caching, CORS, methods, hosts, and two web servers at once."""

import re
from collections.abc import Iterator

import pytest

from tests.real.http_calls import request
from tests.real.portal import Owner, Portal, free_port
from tests.real.waiting import eventually

JWKS = "/.well-known/jwks.json"
DISCOVERY = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
DOCUMENTS = [JWKS, *DISCOVERY]
HEALTH = ["/healthz", "/readyz"]
CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def test_the_jwks_is_public_and_nothing_more(portal: Portal) -> None:
    keys = portal.get(JWKS).json()["keys"]
    assert len(keys) >= 2
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert {"kid", "alg", "use", "kty"} <= set(key)
        assert key["use"] == "sig"
        assert not PRIVATE_MEMBERS & set(key)


@pytest.mark.parametrize("path", DISCOVERY)
def test_discovery_leads_to_the_jwks(portal: Portal, path: str) -> None:
    metadata = portal.get(path).json()
    assert metadata["issuer"] == portal.url
    assert metadata["jwks_uri"] == portal.url + JWKS
    assert {key["alg"] for key in portal.get(JWKS).json()["keys"]} <= set(
        metadata["id_token_signing_alg_values_supported"]
    )


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_may_be_cached_by_anybody(portal: Portal, path: str) -> None:
    answer = portal.get(path, cookie="session=x; csrf=y", origin="https://app.example.com")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == CACHE_CONTROL
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', answer.headers["ETag"])  # strong: no W/
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["Vary"] is None


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_a_client_has_is_not_sent_again(portal: Portal, path: str, form: str) -> None:
    etag = portal.get(path).headers["ETag"]
    answer = portal.get(path, if_none_match=form.format(etag))
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == etag
    assert answer.headers["Cache-Control"] == CACHE_CONTROL
    assert answer.headers["Set-Cookie"] is None


def test_another_etag_gets_the_document(portal: Portal) -> None:
    assert portal.get(JWKS, if_none_match='"other"').status == 200


@pytest.mark.parametrize("path", DOCUMENTS)
def test_head_tells_what_get_would(portal: Portal, path: str) -> None:
    got, told = portal.get(path), portal.get(path, "HEAD")
    assert (told.status, told.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert told.headers[name] == got.headers[name]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_browsers_may_ask_from_anywhere(portal: Portal, path: str) -> None:
    answer = portal.get(
        path, "OPTIONS", origin="https://app.example.com",
        access_control_request_method="GET", access_control_request_headers="if-none-match",
    )  # fmt: skip
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "if-none-match" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", [*DOCUMENTS, *HEALTH])
def test_nothing_else_is_allowed(portal: Portal, path: str, method: str) -> None:
    answer = portal.get(path, method)
    assert answer.status == 405
    assert {"GET", "HEAD"} <= set(answer.headers["Allow"].split(", "))
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.parametrize("path", [*DOCUMENTS, *HEALTH])
@pytest.mark.parametrize("host", ["gateway.internal:8443", "10.0.0.7", "[2001:db8::1]", "a_b.example"])
def test_any_host_is_answered_alike(portal: Portal, path: str, host: str) -> None:
    answer = portal.get(path, host=host)
    assert answer.status == 200
    assert answer.body == portal.get(path).body  # nothing is built from the Host
    assert answer.headers["Set-Cookie"] is None


def test_pages_answer_their_own_host_only(portal: Portal) -> None:
    assert portal.get("/accounts/login/", host="evil.example").status == 400
    assert portal.get("/accounts/login/").status == 200


@pytest.fixture(scope="module")
def second(portal: Portal) -> Iterator[str]:
    """The origin of another web server on the same database."""
    port = free_port()
    server = portal.spawn("serve", "--prepared", "--workers", "1", "--port", str(port))
    try:
        portal.wait_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        assert server.wait(20) == 0


def test_two_web_servers_publish_the_same_bytes(portal: Portal, second: str) -> None:
    for path in DOCUMENTS:
        here, there = portal.get(path), request(second + path)
        assert (there.body, there.headers["ETag"]) == (here.body, here.headers["ETag"])


def test_either_server_publishes_the_key_that_either_signs_with(
    portal: Portal, second: str, owner: Owner
) -> None:
    """Right after a rotation, snapshots still fresh on both: the new key was published as staged."""
    request(second + JWKS)
    portal.kids()
    portal.manage("rotate_signing_key", "--now")
    for origin in (portal.url, second):
        issued = portal.api("POST", "/keys", {**owner.body, "name": "either"}, url=origin)
        assert issued.status == 201
        for other in (portal.url, second):
            published = {key["kid"] for key in request(other + JWKS).json()["keys"]}
            assert issued.json()["kid"] in published
    both = (portal.url + JWKS, second + JWKS)
    eventually(lambda: len({request(url).body for url in both}) == 1, "both agree", seconds=5)


def test_a_revoked_signing_key_leaves_both_servers(portal: Portal, second: str, owner: Owner) -> None:
    kid = portal.issue(owner)["kid"]
    portal.manage("revoke_signing_key", kid, "--reason", "test")
    for origin in (portal.url, second):
        eventually(lambda at=origin: kid.encode() not in request(at + JWKS).body, "it is gone", seconds=3)
