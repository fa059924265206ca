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

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def page(self, values: Values) -> str:
        """Its README, filled."""
        return filled((self.folder / "README.md").read_text(), values)

    def filled(self, values: Values) -> dict[str, str]:
        """Its files by name, with those values."""
        return {name: filled((self.folder / name).read_text(), values) for name in self.files}

    def unverifiable(self, values: Values) -> tuple[str, ...]:
        """The portal's algorithms that it can't verify."""
        return tuple(name for name in values.algorithms if self.algorithms and name not in self.algorithms)


def filled(text: str, values: Values) -> str:
    """Replace the example portal's values by these."""
    if values.audience is None:
        text = "".join(line for line in text.splitlines(keepends=True) if AUDIENCE not in line)
    else:
        text = text.replace(AUDIENCE, values.audience)
    parts = urlsplit(values.portal)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    text = text.replace(f"{PORTAL}/", f"{values.portal}/").replace(PORTAL, values.issuer)
    text = text.replace(f"{HOST}:443", f"{parts.hostname}:{port}").replace(HOST, parts.netloc)
    for quote in "\"'":
        listed = ", ".join(f"{quote}{name}{quote}" for name in values.algorithms)
        text = text.replace(f"{quote}{ALGORITHM}{quote}", listed)
    text = text.replace(ALGORITHM, " ".join(values.algorithms))
    return re.sub(rf"\b{COMPANY_CLAIM}\b", lambda _: values.company_claim, text)


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by name, in the order of ``recipes.toml``."""
    listed = tomllib.loads((FOLDER / "recipes.toml").read_text())
    made = [
        Recipe(
            name,
            str(entry["title"]),
            str(entry["kind"]),
            tuple(entry.get("files", ())),
            tuple(entry.get("algorithms", ())),
            tuple(entry.get("aliases", ())),
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
