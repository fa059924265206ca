"""A tenant for all tests of a module, and the plugin as a portal would start it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from provisioning.contract import CreatedKey, Rate, Toolbox
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from provisioning.testing import MemoryLedger, make_toolbox
from provisioning.testing.hooks import new_request
from tests.fakes.auth0.process import ALL, Auth0Process


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auth0Process]:
    with Auth0Process(tmp_path_factory.mktemp("auth0")) as tenant:
        tenant.add_strangers(110)  # ours come on the second page
        yield tenant


@pytest.fixture(autouse=True)
def _trusted(tenant: Auth0Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As an operator makes a private certificate authority known; afterwards nothing is wrong any more."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tenant.ca_file))
    yield
    tenant.set_faults()
    tenant.set_scopes(*ALL)


def load(tenant: Auth0Process, toolbox: Toolbox | None = None, **settings: Any) -> Auth0M2mPlugin:
    """A new plugin object, as after a restart."""
    config = {**tenant.settings, **settings}
    return Auth0M2mPlugin.from_config(config.get, toolbox or make_toolbox())


class Turns:
    """``Rates`` that only write down."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, Rate]] = Counter()
        self.held: list[tuple[str, timedelta]] = []

    def take(self, bucket: str, rate: Rate) -> None:
        self.taken[bucket, rate] += 1

    def hold(self, bucket: str, time: timedelta) -> None:
        self.held.append((bucket, time))


def counting(tenant: Auth0Process, plan: str) -> tuple[Auth0M2mPlugin, Turns]:
    turns = Turns()
    toolbox = replace(make_toolbox(), rates=turns)
    return load(tenant, toolbox, PLUGIN_AUTH0_M2M_RATE_PLAN=plan), turns


def issue(
    tenant: Auth0Process,
    customer: str,
    email: str,
    *,
    ledger: MemoryLedger | None = None,
    plugin: Auth0M2mPlugin | None = None,
    **changed: Any,
) -> CreatedKey:
    """One attempt at one request."""
    request = replace(new_request(scopes=("orders:read",)), **changed)
    calls = (ledger or MemoryLedger()).calls(customer, request.marker)
    return (plugin or load(tenant)).create_api_key(customer, email, request=request, calls=calls)
