"""The plugins of this process: loaded once at start by ``portal.apps``."""

from datetime import timedelta

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


def offered_scopes(plugin: Plugin) -> tuple[str, ...] | None:
    """The scopes that its keys can have; None is whatever a plan names."""
    return getattr(plugin, "offered_scopes", None)


def plugin_label(slug: str) -> str:
    """What people call the plugin's keys; the slug where it has no words of its own or isn't enabled."""
    if slug not in registry().slugs:
        return slug
    return getattr(registry().get(slug), "label", slug)


def token_lifetime(slug: str) -> timedelta | None:
    """How long what was fetched with such a key works after the key's end; None when nothing is fetched."""
    if slug not in registry().slugs:
        return None
    return getattr(registry().get(slug), "token_lifetime", None)


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
