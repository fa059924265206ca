"""An issuer and an API for each gateway's tests, and the gateway between them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from aws_authorizer.authorizer import Authorizer

from tests.gateways.asked import Asked
from tests.gateways.aws import made
from tests.gateways.gateway import Gateway
from tests.gateways.issuer import Issuer
from tests.gateways.upstream import Upstream
from tests.real.portal import Portal
from tests.real.tls_proxy import TlsProxy

Start = Callable[[Any, Upstream, Path], AbstractContextManager[Gateway]]
"""With an Issuer or, where the gateway asks the portal, an Asked."""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")).serving() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def asked(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with TlsProxy(portal.url, tmp_path_factory.mktemp("asked")).serving() as proxy:
        yield Asked(portal, proxy)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream().serving() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def start(request: pytest.FixtureRequest) -> Start:
    """The test module's own ``start``: runs the gateway, configured from its recipe, in a folder."""
    return request.module.start  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def gateway(
    start: Start, issuer: Issuer, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with start(issuer, upstream, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def trusted(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in the test's own process trusts the issuer's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(issuer.ca_file))


@pytest.fixture
def authorizer(issuer: Issuer) -> Authorizer:
    """For the issuer's keys; reads no status lists."""
    return made(issuer)
