"""Which plugins run: the names in ``PLUGIN_APIM_PROVIDER`` become plugin objects, or the start stops.

The only place with dynamic imports. A plugin that nobody named is never imported.
"""

import inspect
from collections.abc import Iterable, Iterator
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points

from provisioning.config import ConfigError, GetConfig
from provisioning.contract import CONTRACT_VERSION, SLUG, Plugin, Toolbox

VARIABLE = "PLUGIN_APIM_PROVIDER"
ENTRY_POINT_GROUP = "latchkey.plugins"
BUILTINS = {
    "jwt": "provisioning.plugins.jwt:JwtPlugin",
    "auth0-m2m": "provisioning.plugins.auth0_m2m.plugin:Auth0M2mPlugin",
}
PLANNED = frozenset({"aws-apigateway", "kong-gateway", "kong-konnect", "tyk"})
"""Names that the documentation knows but this version has no plugin for."""

_METHODS = ("from_config", "get_user", "provision_user", "create_api_key")


class UnknownPlugin(KeyError):
    """No enabled plugin has that slug."""


class Registry:
    """The enabled plugins in the order of the setting; the first is the default."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = {plugin.slug: plugin for plugin in plugins}

    @property
    def default(self) -> Plugin:
        return next(iter(self))

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(self._plugins)

    def get(self, slug: str) -> Plugin:
        """Return the enabled plugin with that slug; raises ``UnknownPlugin``."""
        try:
            return self._plugins[slug]
        except KeyError as exc:
            raise UnknownPlugin(slug) from exc

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins.values())


def load_plugins(
    names: str, get_config: GetConfig, toolbox: Toolbox, entry_points: Iterable[EntryPoint] | None = None
) -> Registry:
    """Import and start the plugins that ``names`` lists, comma-separated in any case; blank is ``jwt``.

    ``entry_points`` are the installed third-party plugins, by default those of this environment.
    Raises ``ConfigError``: naming ``PLUGIN_APIM_PROVIDER`` when a name or its plugin is no use,
    or the variable that a plugin found wrong.
    """
    offered = _builtins() + list(_installed() if entry_points is None else entry_points)
    slugs = _slugs(names, get_config)
    chosen = [_one_offer(slug, position, offered) for position, slug in enumerate(slugs, start=1)]
    return Registry([_start(entry, get_config, toolbox) for entry in chosen])


def _builtins() -> list[EntryPoint]:
    return [EntryPoint(slug, target, ENTRY_POINT_GROUP) for slug, target in BUILTINS.items()]


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=ENTRY_POINT_GROUP)


def _slugs(names: str, get_config: GetConfig) -> list[str]:
    words = [word for part in names.split(",") if (word := part.strip().lower())]
    slugs: list[str] = []
    for position, word in enumerate(words or ["jwt"], start=1):
        slug = _resolve_alias(word, get_config)
        if slug in slugs:
            earlier = slugs.index(slug) + 1
            raise ConfigError(VARIABLE, f"entries {earlier} and {position} mean the same plugin")
        slugs.append(slug)
    return slugs


def _resolve_alias(word: str, get_config: GetConfig) -> str:
    if word == "aws":
        return "jwt"
    if word == "kong":
        return "kong-konnect" if get_config("PLUGIN_KONNECT_PAT") else "kong-gateway"
    return word


def _one_offer(slug: str, position: int, offered: list[EntryPoint]) -> EntryPoint:
    """The one plugin of that name. Says the entry's position, not its text, unless the name is known."""
    offers = [entry for entry in offered if entry.name == slug]
    if len(offers) > 1:
        sources = ", ".join(sorted(_source(entry) for entry in offers))
        raise ConfigError(
            VARIABLE, f"more than one plugin calls itself {slug}: {sources}; uninstall all but one"
        )
    if offers:
        return offers[0]
    known = ", ".join(sorted({entry.name for entry in offered}))
    if slug in PLANNED:
        raise ConfigError(VARIABLE, f"this version has no plugin {slug}; it has: {known}")
    raise ConfigError(
        VARIABLE, f"entry {position} is not the name of an installed plugin; there are: {known}"
    )


def _source(entry: EntryPoint) -> str:
    if entry.value == BUILTINS.get(entry.name):
        return "the built-in one"
    return f"distribution {entry.dist.name}" if entry.dist else entry.value


def _start(entry: EntryPoint, get_config: GetConfig, toolbox: Toolbox) -> Plugin:
    try:
        loaded = entry.load()
    except Exception as exc:  # A stranger's module may raise anything while it is imported.
        raise ConfigError(VARIABLE, f"plugin {entry.name} can't be imported ({_reason(exc)})") from exc
    plugin_class = _checked_class(entry.name, loaded)
    try:
        plugin = plugin_class.from_config(get_config, toolbox)
    except ConfigError:
        raise
    except Exception as exc:  # The same, and its message might show a setting's value.
        raise ConfigError(VARIABLE, f"plugin {entry.name} failed to start ({type(exc).__name__})") from exc
    lifetime = getattr(plugin, "default_lifetime", "missing")
    if not (lifetime is None or isinstance(lifetime, timedelta)):
        raise ConfigError(VARIABLE, f"plugin {entry.name} needs a default_lifetime: a timedelta or None")
    return plugin


def _checked_class(name: str, loaded: object) -> type[Plugin]:
    """``loaded`` when it is a class that keeps the contract's outward form."""
    if not isinstance(loaded, type):
        raise ConfigError(VARIABLE, f"plugin {name} is not a class")
    slug, version = getattr(loaded, "slug", None), getattr(loaded, "contract_version", None)
    if slug != name or not SLUG.fullmatch(name):
        raise ConfigError(VARIABLE, f"plugin {name} has a class whose slug is not {name}, or no slug at all")
    if version != CONTRACT_VERSION:
        raise ConfigError(
            VARIABLE,
            f"plugin {name} keeps version {version} of the contract; this portal needs {CONTRACT_VERSION}",
        )
    missing = [method for method in _METHODS if not _has_own(loaded, method)]
    if not isinstance(getattr(loaded, "local", None), bool):
        missing.append("local")
    if missing:
        raise ConfigError(VARIABLE, f"plugin {name} lacks {', '.join(missing)}")
    return loaded


def _has_own(loaded: type, method: str) -> bool:
    """Whether the class has the method itself, not only the empty body that it inherits from Plugin."""
    found = inspect.getattr_static(loaded, method, None)
    return found is not None and found is not Plugin.__dict__[method]


def _reason(exc: Exception) -> str:
    """The message only of import errors: it names a module or attribute, nothing else."""
    return str(exc) if isinstance(exc, ImportError | AttributeError) else type(exc).__name__
