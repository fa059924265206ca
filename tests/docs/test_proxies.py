"""The proxies of deploy/, running: which TLS they speak, whose address they pass on, what they log."""

import http.client
import ssl
import warnings
from collections.abc import Iterator

import pytest

from tests.docs.phone_portal import phone_portal
from tests.docs.proxies import NGINX_LOG, proxy
from tests.gateways.gateway import Gateway
from tests.real.http_calls import request
from tests.real.portal import Portal
from tests.real.waiting import eventually

pytestmark = pytest.mark.once
NUMBER = "15555550123"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Behind one proxy; an address gets one phone token a day."""
    folder = tmp_path_factory.mktemp("proxied")
    with phone_portal(folder, PORTAL_TRUSTED_PROXIES="1", TOKEN_SERVICE_RATE="1/day") as portal:
        yield portal


@pytest.fixture(scope="module", params=["nginx", "caddy", "haproxy"])
def front(
    request: pytest.FixtureRequest, portal: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp(request.param)
    with proxy(request.param, portal.url.removeprefix("http://"), folder) as gateway:
        yield gateway


def client(version: ssl.TLSVersion, ciphers: str = "DEFAULT:@SECLEVEL=0") -> ssl.SSLContext:
    """One that speaks that version alone, with ciphers as weak as it likes; any certificate will do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.1 is old is the point
        context.minimum_version = context.maximum_version = version
    return context


def fetch(front: Gateway, path: str, context: ssl.SSLContext | None = None, **headers: str) -> int:
    """The status of the answer; header names as they are sent."""
    tls = context or client(ssl.TLSVersion.TLSv1_3)
    connection = http.client.HTTPSConnection("localhost", front.port, context=tls, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_old_and_new_clients_get_in(front: Gateway, version: ssl.TLSVersion) -> None:
    assert fetch(front, "/healthz", client(version)) == 200


def test_tls_1_1_is_not_spoken(front: Gateway) -> None:
    with pytest.raises(ssl.SSLError, match="(?i)alert protocol.version"):
        fetch(front, "/healthz", client(ssl.TLSVersion.TLSv1_1))


def test_addresses_that_a_caller_makes_up_gain_nothing(front: Gateway, portal: Portal) -> None:
    path = f"/v1/token/{NUMBER}"
    assert fetch(front, path) in (200, 429)  # all three proxies have this one address
    names = (
        "X-Forwarded-For",
        "X_Forwarded_For",
        "x_forwarded-for",
        "X-Forwarded_For",
        "Forwarded",
        "X-Real-IP",
    )
    for name in names:
        for value in ("198.51.100.7", "198.51.100.8, 198.51.100.9", "for=198.51.100.7"):
            assert fetch(front, path, **{name: value}) == 429, (name, value)
    assert NUMBER not in portal.log


def test_what_the_proxy_says_is_believed(portal: Portal) -> None:
    for last in (1, 2):
        headers = {"X-Forwarded-For": f"203.0.113.9, 203.0.113.{last}"}
        assert request(f"{portal.url}/v1/token/1555555020{last}", headers=headers).status == 200


def test_numbers_are_in_no_log(front: Gateway) -> None:
    def logged() -> str:
        access = front.folder / NGINX_LOG
        return front.log.read_text() + (access.read_text() if access.exists() else "")

    fetch(front, f"/v1/token/{NUMBER}")
    fetch(front, f"/api/v1/phone-tokens?limit=1&phone_number=%2B{NUMBER}")
    search = f"/admin/portal/phonetoken/?q={NUMBER}"
    fetch(front, search)
    fetch(front, "/favicon.ico", Referer=f"https://portal.example.com{search}")
    fetch(front, "/healthz?last=1")
    if "caddy" not in front.folder.name:  # which keeps no access log unless it is told to
        eventually(lambda: "/healthz?last=1" in logged(), "what is no secret is logged")
    assert NUMBER not in logged()


def test_metrics_stay_inside(front: Gateway) -> None:
    assert fetch(front, "/metrics") == 404


def test_phones_without_aes_gcm_are_served_where_the_page_says_so(front: Gateway) -> None:
    old_phone = client(ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA")
    if "caddy" in front.folder.name:
        with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
            fetch(front, "/healthz", old_phone)
    else:
        assert fetch(front, "/healthz", old_phone) == 200
