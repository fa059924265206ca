"""The plugins of this process: loaded once at start by ``portal.apps``."""

from portal.core.errors import Invalid
from provisioning.contract import Plugin
from provisioning.plugins.jwt import JwtConfig, JwtPlugin
from provisioning.registry import Registry, UnknownPlugin

_registry: Registry | None = None


def set_registry(registry: Registry) -> None:
    global _registry
    _registry = registry


def registry() -> Registry:
    if _registry is None:
        raise RuntimeError("plugins are loaded by PortalConfig.ready()")
    return _registry


def plugin_named(slug: str | None) -> Plugin:
    """The enabled plugin with that slug, the default one for None; raises ``Invalid``."""
    if slug is None:
        return registry().default
    try:
        return registry().get(slug)
    except UnknownPlugin as exc:
        known = ", ".join(registry().slugs)
        raise Invalid.field("plugin", f"not enabled here; enabled: {known}") from exc


def signing_source() -> str:
    """Where the key that signs comes from: ``imported`` with ``PLUGIN_JWT_SECRET``, else ``managed``."""
    config = jwt_config()
    return "imported" if config is not None and config.secret else "managed"


def jwt_config() -> JwtConfig | None:
    """How JWT keys are signed; None when the JWT plugin is not enabled."""
    if JwtPlugin.slug not in registry().slugs:
        return None
    plugin = registry().get(JwtPlugin.slug)
    return plugin.config if isinstance(plugin, JwtPlugin) else None
