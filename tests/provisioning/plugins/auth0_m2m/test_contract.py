"""The contract, whatever Auth0 does."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pytest

from provisioning.contract import CreatedKey, Plugin
from provisioning.secret import Secret
from provisioning.testing import PluginContract
from tests.fakes.auth0.process import ALL, Auth0Process
from tests.provisioning.plugins.auth0_m2m.conftest import load

WRITES = ("organizations", "clients", "client-grants")


class TestAuth0(PluginContract):
    scopes: ClassVar[tuple[str, ...]] = ("orders:read", "orders:write")

    @pytest.fixture(autouse=True)
    def _use(self, tenant: Auth0Process) -> None:
        self.tenant = tenant

    def make_plugin(self) -> Plugin:
        return load(self.tenant)

    def credentials(self) -> list[str]:
        return [id for _, id, _ in self.tenant.truth().credentials()]

    def users(self) -> list[str] | None:
        return list(self.tenant.truth().alive["users"])

    def accepts(self, secret: Secret) -> bool | None:
        return self.tenant.accepts(secret.reveal())

    def granted_scopes(self, created: CreatedKey) -> frozenset[str] | None:
        claims = self.tenant.mint(created.external_id, created.secret.reveal())
        return frozenset(claims["scope"].split())

    def secrets(self) -> list[str]:
        return self.tenant.secrets()

    def faults(self) -> Mapping[str, AbstractContextManager[object]]:
        faults = {
            "no permission": self.without_permission(),
            "no token": self.failing(broken=1, only="/oauth"),
        }
        for fault in ("unavailable", "too_many", "broken", "drop_before", "drop_after"):
            for path in WRITES:
                faults[f"{fault} {path}"] = self.failing(
                    **{fault: 1}, storm_seconds=0, only=f"/api/v2/{path}"
                )
        return faults

    @contextmanager
    def failing(self, **faults: Any) -> Iterator[None]:
        self.tenant.set_faults(**faults)
        yield
        self.tenant.set_faults()

    @contextmanager
    def without_permission(self) -> Iterator[None]:
        self.tenant.set_scopes()
        yield
        self.tenant.set_scopes(*ALL)
