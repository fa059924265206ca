"""Plugins as a stranger might install them; entry points in the tests point here."""

from datetime import timedelta
from typing import ClassVar, Self

from provisioning.config import ConfigError, GetConfig
from provisioning.contract import CreatedKey, Plugin, RemoteUser, Toolbox
from tests.provisioning.acme import AcmePlugin


class Stranger(AcmePlugin):
    slug: ClassVar[str] = "stranger"


class OtherSlug(Stranger):
    slug: ClassVar[str] = "other"


class NextVersion(Stranger):
    contract_version: ClassVar[int] = 2


class BadSlug(Stranger):
    slug: ClassVar[str] = "bad_slug"


class Inherits(Plugin):
    """Takes the contract's empty method bodies for an implementation."""

    slug: ClassVar[str] = "stranger"
    contract_version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    default_lifetime = None

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        raise NotImplementedError

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        return None


class OneVerb:
    slug = "stranger"
    contract_version = 1

    def create_api_key(self) -> CreatedKey:
        raise NotImplementedError


class FailsToStart(Stranger):
    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        raise KeyError("hidden-value")


class NeedsToken(Stranger):
    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        raise ConfigError("PLUGIN_STRANGER_TOKEN", "is missing")


class BadLifetime(Stranger):
    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        plugin = super().from_config(get_config, toolbox)
        plugin.default_lifetime = 30  # type: ignore[assignment]
        return plugin


class GoodLifetime(Stranger):
    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        plugin = super().from_config(get_config, toolbox)
        plugin.default_lifetime = timedelta(days=1)
        return plugin


def function() -> None: ...
