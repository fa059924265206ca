"""The Auth0 plugin under the engine: a tenant, the registry, and what is there of a key."""

from collections.abc import Iterator

import pytest

from portal.core.actor import SYSTEM
from portal.core.plugins import registry, set_registry
from portal.models import Membership, Operation
from portal.services.keys.request import request_key
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from provisioning.registry import Registry
from tests.conftest import Clock
from tests.fakes.auth0.process import ALL, Auth0Process
from tests.jobs.working import fresh, states, work
from tests.provisioning.plugins.auth0_m2m.conftest import load


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auth0Process]:
    with Auth0Process(tmp_path_factory.mktemp("auth0")) as tenant:
        yield tenant


@pytest.fixture
def auth0(tenant: Auth0Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Auth0M2mPlugin]:
    """The only plugin; its customer ``owner`` has no key yet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tenant.ca_file))
    before, plugin = registry(), load(tenant)
    set_registry(Registry([plugin]))
    yield plugin
    set_registry(before)
    tenant.set_faults()
    tenant.set_scopes(*ALL)


def ask(owner: Membership) -> Operation:
    return request_key(SYSTEM, owner.customer_id, user=owner.user, name="a key")


def issue(owner: Membership) -> Operation:
    """A key that is there: from now on organization and user are known."""
    asked = ask(owner)
    work()
    assert states(asked) == ("succeeded", "active"), (fresh(asked).error_code, fresh(asked).error_detail)
    return asked


def drive(clock: Clock, times: int = 5, *, seconds: float = 320) -> None:
    """Let a worker look again and again, by default after the longest pause between two attempts."""
    for _ in range(times):
        work()
        clock.advance(seconds=seconds)


def restrict(tenant: Auth0Process, *scopes: str) -> None:
    """The portal may do no more than that from now on."""
    tenant.set_scopes(*scopes)
    tenant.revoke_tokens()


def there(tenant: Auth0Process, asked: Operation) -> list[str]:
    """The applications of a key."""
    key = fresh(asked).key
    assert key is not None
    named = f"Latchkey {key.marker}"
    return [id for id, client in tenant.truth().alive["clients"].items() if client["name"] == named]


def named(asked: Operation) -> bool:
    """Whether the operation tells a person which application to look for."""
    found = fresh(asked)
    assert found.key is not None
    return f"Latchkey {found.key.marker}" in found.error_detail
