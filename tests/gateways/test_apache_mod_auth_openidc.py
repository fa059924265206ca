"""gateways/apache-mod_auth_openidc with the real Apache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.apache import running_apache
from tests.gateways.apache_suite import ApacheSuite
from tests.gateways.gateway import Gateway
from tests.gateways.issuer import Issuer
from tests.gateways.suite import REFUSED
from tests.gateways.upstream import Upstream
from tests.real.http_calls import request


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    with running_apache(
        "apache-mod_auth_openidc", issuer, upstream, folder,
        modules=["auth_openidc"], package="libapache2-mod-auth-openidc",
    ) as gateway:  # fmt: skip
        yield gateway


class TestModAuthOpenidc(ApacheSuite):
    pass


def test_no_header_of_the_modules_own_carries_the_key(gateway: Gateway, issuer: Issuer) -> None:
    key = issuer.token()
    assert key not in gateway.reached(key).values()


def test_a_caller_can_not_write_claims(gateway: Gateway, issuer: Issuer) -> None:
    endless = issuer.token(exp=None)
    for name in ("OIDC_CLAIM_exp", "OIDC-CLAIM-exp"):
        headers = {"Authorization": f"Bearer {endless}", name: "4000000000"}
        assert request(f"http://127.0.0.1:{gateway.port}/orders", headers=headers).status in REFUSED


def test_a_list_of_audiences_is_read(gateway: Gateway, issuer: Issuer) -> None:
    other = "https://other.example.net"
    assert gateway.reached(issuer.token(aud=[other, issuer.audience]))
    assert gateway.call(issuer.token(aud=[other])).status in REFUSED


def test_who_is_refused_learns_what_is_wanted(gateway: Gateway) -> None:
    assert gateway.call(None).headers["WWW-Authenticate"].startswith("Bearer")
