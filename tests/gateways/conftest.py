"""An issuer and an API for each gateway's tests."""

from collections.abc import Iterator

import pytest

from tests.gateways.issuer import Issuer
from tests.gateways.upstream import Upstream


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")).serving() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream().serving() as upstream:
        yield upstream
