"""A tenant of the fake Auth0, and the SDK connected to it with every scope there is."""

from collections.abc import Iterator

import pytest
from auth0.management.client import Auth0

from tests.fakes.auth0 import sdk
from tests.fakes.auth0.process import ALL, Auth0Process


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auth0Process]:
    with Auth0Process(tmp_path_factory.mktemp("auth0")) as tenant:
        yield tenant


@pytest.fixture
def api(tenant: Auth0Process) -> Iterator[Auth0]:
    tenant.set_faults()
    tenant.set_scopes(*ALL, "update:clients", "delete:client_grants")
    with sdk.connected(tenant) as api:
        yield api
    tenant.set_faults()
