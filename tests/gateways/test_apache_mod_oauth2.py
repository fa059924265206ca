"""gateways/apache-mod_oauth2 with the real Apache."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.apache import running_apache
from tests.gateways.apache_suite import ApacheSuite
from tests.gateways.gateway import Gateway
from tests.gateways.issuer import Issuer
from tests.gateways.suite import REFUSED
from tests.gateways.upstream import Upstream
from tests.real.waiting import eventually

# The module trusts the machine's authorities and no file of ours.
UNVERIFIED = {"jwks_uri.ssl_verify=true": "jwks_uri.ssl_verify=false"}


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    with running_apache(
        "apache-mod_oauth2", issuer, upstream, folder,
        modules=["oauth2"], package="libapache2-mod-oauth2", replaced=UNVERIFIED,
    ) as gateway:  # fmt: skip
        yield gateway


class TestModOauth2(ApacheSuite):
    # Its start() switches ssl_verify off; the test below shows the recipe as it is.
    test_an_impostor_of_the_portal_is_not_believed = None


def test_an_authority_that_the_machine_does_not_know_is_refused(
    issuer: Issuer, upstream: Upstream, tmp_path: Path
) -> None:
    """The recipe as it stands."""
    with running_apache(
        "apache-mod_oauth2", issuer, upstream, tmp_path, modules=["oauth2"], package="libapache2-mod-oauth2"
    ) as gateway:
        assert gateway.call(issuer.token()).status == 401
        assert "SSL certificate problem" in gateway.log.read_text()


def test_a_list_of_audiences_is_read(gateway: Gateway, issuer: Issuer) -> None:
    other = "https://other.example.net"
    assert gateway.reached(issuer.token(aud=[other, issuer.audience]))
    assert gateway.call(issuer.token(aud=[other])).status in REFUSED


def test_who_is_refused_learns_what_is_wanted(gateway: Gateway) -> None:
    assert gateway.call(None).headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_that_was_seen_before_is_refused_past_its_end(gateway: Gateway, issuer: Issuer) -> None:
    """Not so with the module's default, which remembers verdicts for five minutes."""
    short = issuer.token(exp=int(time.time()) + 15)
    assert gateway.reached(short)
    eventually(lambda: gateway.call(short).status == 401, "the key has expired", seconds=60)
