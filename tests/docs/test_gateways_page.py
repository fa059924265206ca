"""docs/gateways.md lists every recipe, and says of each what the recipe says."""

import re

import pytest

from portal.core.recipes import Recipe, recipes
from tests.docs.sources import ROOT

pytestmark = pytest.mark.once
EVERY = pytest.mark.parametrize("recipe", recipes().values(), ids=lambda recipe: recipe.name)


def table() -> dict[str, tuple[str, str, str]]:
    """docs/gateways.md's list of recipes: folder → title, who verifies, algorithms."""
    page = (ROOT / "docs/gateways.md").read_text()
    rows = re.findall(
        r"^\| \[(.+?)\]\(\.\./gateways/([\w.-]+)/README\.md\) \| (.+?) \| (.+?) \|$", page, re.MULTILINE
    )
    assert len(rows) == len({folder for _, folder, *_ in rows})
    return {folder: (title, who, algorithms) for title, folder, who, algorithms in rows}


def test_the_page_on_gateways_lists_every_recipe() -> None:
    assert set(table()) == set(recipes())


@EVERY
def test_the_page_says_what_the_recipe_says(recipe: Recipe) -> None:
    title, who, algorithms = table()[recipe.name]
    assert title == recipe.title
    assert who == ("itself" if recipe.algorithms else "asks")
    assert _expanded(algorithms) == set(recipe.algorithms)


FAMILIES = {
    "RS": {"RS256", "RS384", "RS512"}, "PS": {"PS256", "PS384", "PS512"},
    "ES": {"ES256", "ES384", "ES512"}, "HS": {"HS256", "HS384", "HS512"},
}  # fmt: skip
FAMILIES["all"] = FAMILIES["RS"] | FAMILIES["PS"] | FAMILIES["ES"] | {"EdDSA"}


def _expanded(words: str) -> set[str]:
    """``RS, ES256`` and ``all``, which leaves out shared secrets, as single algorithms."""
    found: set[str] = set()
    for word in re.findall(r"\w+", words):
        found |= FAMILIES.get(word, {word})
    return found
