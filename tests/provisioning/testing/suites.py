"""The contract suite wired to the Acme provider; broken plugins go through the same wiring."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import ClassVar

from provisioning.contract import CreatedKey, Plugin
from provisioning.secret import Secret
from provisioning.testing import PluginContract
from tests.provisioning.acme import ADMIN_TOKEN, AcmePlugin, AcmeProvider


class AcmeSuite(PluginContract):
    plugin: ClassVar[type[AcmePlugin]] = AcmePlugin

    def setup_method(self) -> None:
        self.provider = AcmeProvider()

    def make_plugin(self) -> Plugin:
        plugin = self.plugin(Secret(ADMIN_TOKEN))
        plugin.provider = self.provider  # type: ignore[misc]
        return plugin

    def credentials(self) -> list[str]:
        return list(self.provider.keys)

    def users(self) -> list[str] | None:
        return list(self.provider.users)

    def accepts(self, secret: Secret) -> bool | None:
        return secret.reveal() in {key.secret for key in self.provider.keys.values()}

    def granted_scopes(self, created: CreatedKey) -> frozenset[str] | None:
        return frozenset(self.provider.keys[created.external_id].scopes)

    def faults(self) -> Mapping[str, AbstractContextManager[object]]:
        return {"reset": self.provider.failing(ConnectionResetError(f"GET /?token={ADMIN_TOKEN}"))}

    def secrets(self) -> list[str]:
        return [ADMIN_TOKEN]
