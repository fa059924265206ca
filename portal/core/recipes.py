"""The recipes under ``gateways/``: configurations that work as they stand, filled with a portal's own values.

A recipe's files name an example portal. Nothing in them is a template: what stands there is what a gateway
reads, and filling is replacing the example's values.
"""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from portal.core.errors import Invalid

FOLDER: Final = Path(__file__).parents[2] / "gateways"

# The example portal of all recipes.
HOST: Final = "portal.example.com"
PORTAL: Final = f"https://{HOST}"
AUDIENCE: Final = "https://api.example.com"
ALGORITHM: Final = "RS256"
COMPANY_CLAIM: Final = "org_id"
ENVOY_PORT: Final = ", port_value: "
"""Between host and port in Envoy's ``{address: …, port_value: 443}``."""


@dataclass(frozen=True)
class Values:
    """What a gateway has to know of a portal."""

    portal: str
    """Its origin: JWKS, discovery, status lists and ``/verify`` are there."""
    issuer: str
    audience: str | None = None
    """What tokens have to be for; lines that name it are left out without one."""
    algorithms: tuple[str, ...] = (ALGORITHM,)
    company_claim: str = COMPANY_CLAIM

    @property
    def jwks_uri(self) -> str:
        return f"{self.portal}/.well-known/jwks.json"

    @property
    def discovery_uri(self) -> str:
        return f"{self.portal}/.well-known/openid-configuration"

    @property
    def verify_uri(self) -> str:
        return f"{self.portal}/api/v1/verify"

    @property
    def address(self) -> str:
        """Host and port, for what connects by itself."""
        parts = urlsplit(self.portal)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


@dataclass(frozen=True)
class Recipe:
    """One folder of ``gateways/``, or a page alone where the gateway is somebody's service."""

    name: str
    title: str
    kind: str
    """``gateway``, ``library`` or ``service``: what runs here, what an API server imports, what is bought."""
    files: tuple[str, ...] = ()
    """Within the folder, the one to read first in front; ``README.md`` comes on top."""
    algorithms: tuple[str, ...] = ()
    """Those that it verifies; empty where the portal itself verifies."""
    aliases: tuple[str, ...] = field(default=())
    needs_audience: bool = False
    """Without one it refuses every key, or doesn't start."""

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def page(self, values: Values) -> str:
        """Its README, filled."""
        return filled_page((self.folder / "README.md").read_text("utf-8"), values)

    def filled(self, values: Values) -> dict[str, str]:
        """Its files by name, with those values."""
        return {name: filled((self.folder / name).read_text("utf-8"), values) for name in self.files}

    def unverifiable(self, values: Values) -> tuple[str, ...]:
        """The portal's algorithms that it can't verify."""
        return tuple(name for name in values.algorithms if self.algorithms and name not in self.algorithms)


_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
# Tyk's variables and Apache's have the claim's name at their end; elsewhere x_org_id is a header.
_CLAIM = rf"(?:\b|(?<=jwt_claims_)|(?<=_CLAIM_)){COMPANY_CLAIM}\b"
_EXAMPLE = re.compile(
    rf"{re.escape(PORTAL)}(?P<slash>/)?|{re.escape(HOST)}(?P<port>:443|{ENVOY_PORT}443)?|{re.escape(AUDIENCE)}"
    rf"|(?P<quote>[\"']){ALGORITHM}(?P=quote)|\b{ALGORITHM}\b|{_CLAIM}"
)


def filled(text: str, values: Values) -> str:
    """A file with the example portal's values replaced by these; lines that name no audience are left out."""
    if values.audience is None:
        text = "".join(line for line in text.splitlines(keepends=True) if AUDIENCE not in line)
    return _EXAMPLE.sub(lambda found: _value(found, values), text)


def filled_page(text: str, values: Values) -> str:
    """The same for Markdown: prose goes on naming algorithms as it does, and keeps all its lines."""

    def prose(words: str) -> str:
        return _EXAMPLE.sub(lambda at: at[0] if ALGORITHM in at[0] else _value(at, values), words)

    parts, end = [], 0
    for fenced in _FENCED.finditer(text):
        parts += [prose(text[end : fenced.start()]), filled(fenced[0], values)]
        end = fenced.end()
    return "".join([*parts, prose(text[end:])])


def _value(found: re.Match[str], values: Values) -> str:
    """What stands for one of the example's values. All at once, so that a value is never replaced itself."""
    example = found[0]
    if example.startswith(PORTAL):
        return f"{values.portal}/" if found["slash"] else values.issuer
    if example.startswith(HOST):
        if found["port"] and ENVOY_PORT in found["port"]:
            host, _, port = values.address.rpartition(":")
            return host.strip("[]") + ENVOY_PORT + port
        return values.address if found["port"] else urlsplit(values.portal).netloc
    if example == AUDIENCE:
        return values.audience or "none"
    if example == COMPANY_CLAIM:
        return values.company_claim
    quote = found["quote"]
    if quote:
        return ", ".join(f"{quote}{name}{quote}" for name in values.algorithms)
    return " ".join(values.algorithms)


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by name, in the order of ``recipes.toml``."""
    listed = tomllib.loads((FOLDER / "recipes.toml").read_text("utf-8"))
    made = [
        Recipe(
            name,
            str(entry["title"]),
            str(entry["kind"]),
            tuple(entry.get("files", ())),
            tuple(entry.get("algorithms", ())),
            tuple(entry.get("aliases", ())),
            bool(entry.get("needs_audience", False)),
        )
        for name, entry in listed.items()
    ]
    return {recipe.name: recipe for recipe in made}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name or alias, whatever its case; raises Invalid, naming all, for another."""
    wanted = name.lower()
    for recipe in recipes().values():
        if wanted == recipe.name or wanted in recipe.aliases:
            return recipe
    raise Invalid.field("name", f"there is no such recipe; there are: {', '.join(recipes())}")
