"""The portal with other ``PLUGIN_JWT_…`` settings, as after a restart."""

from collections.abc import Iterator
from contextlib import contextmanager

from portal.core.plugins import registry, set_registry
from portal.services.signing_keys.sync import sync_signing_keys
from provisioning.config import environ_get_config
from provisioning.registry import load_plugins


@contextmanager
def jwt_settings(**settings: str) -> Iterator[None]:
    """``algorithm="EdDSA"`` is ``PLUGIN_JWT_ALGORITHM``; signing keys follow, while the database is open."""
    before = registry()
    environ = {f"PLUGIN_JWT_{name.upper()}": value for name, value in settings.items()}
    set_registry(load_plugins("jwt", environ_get_config(environ), before.default._toolbox))  # type: ignore[attr-defined]
    try:
        sync_signing_keys()
        yield
    finally:
        set_registry(before)
