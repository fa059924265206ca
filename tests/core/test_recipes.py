"""Recipes are filled whole, whatever the portal's values are."""

import re
import tomllib

import pytest

from portal.core.errors import Invalid
from portal.core.recipes import (
    AUDIENCE,
    COMPANY_CLAIM,
    FOLDER,
    HOST,
    PORTAL,
    Recipe,
    Values,
    filled,
    filled_page,
    recipe_named,
    recipes,
)  # fmt: skip

pytestmark = pytest.mark.once
EXAMPLE = Values(PORTAL, PORTAL, AUDIENCE)
OTHER = Values("http://10.1.2.3:8443", "urn:keys:acme", "urn:orders", ("ES384", "EdDSA"), "company")
EVERY = pytest.mark.parametrize("recipe", recipes().values(), ids=lambda recipe: recipe.name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jwks = https://portal.example.com/.well-known/jwks.json", "jwks = http://10.1.2.3:8443/.well-known/jwks.json"),
        ("iss = https://portal.example.com", "iss = urn:keys:acme"),
        ("connect portal.example.com:443", "connect 10.1.2.3:8443"),
        ("Host: portal.example.com", "Host: 10.1.2.3:8443"),
        ('aud = ["https://api.example.com"]', 'aud = ["urn:orders"]'),
        ('["RS256"] RS256', '["ES384", "EdDSA"] ES384 EdDSA'),
        ("['RS256']", "['ES384', 'EdDSA']"),
        ("claims.org_id X-Org-Id my_org_id", "claims.company X-Org-Id my_org_id"),
    ],
)  # fmt: skip
def test_each_value_of_the_example_is_replaced(text: str, expected: str) -> None:
    assert filled(text, OTHER) == expected
    assert filled(text, EXAMPLE) == text


def test_values_that_look_like_the_example_stay_as_they_are() -> None:
    values = Values("https://portal.example.com", "https://portal.example.com/org_id", "RS256")
    assert filled(f"{PORTAL} {AUDIENCE}", values) == "https://portal.example.com/org_id RS256"


@pytest.mark.parametrize(
    ("origin", "address"),
    [("https://a.test", "a.test:443"), ("http://a.test", "a.test:80"), ("https://[::1]:9", "[::1]:9")],
)
def test_an_address_always_has_its_port(origin: str, address: str) -> None:
    assert filled("portal.example.com:443", Values(origin, origin)) == address


def test_lines_that_name_the_audience_go_without_one() -> None:
    assert filled(f'a: 1\naudience: "{AUDIENCE}"\nb: 2\n', Values(PORTAL, PORTAL)) == "a: 1\nb: 2\n"


def test_a_page_keeps_its_sentences() -> None:
    page = f"It verifies RS256 for `{AUDIENCE}`.\n\n```sh\nalg RS256\naud {AUDIENCE}\n```\n\nAnd RS256 {COMPANY_CLAIM}.\n"
    without = Values(PORTAL, PORTAL, None, ("ES256",), "company")
    assert (
        filled_page(page, without)
        == "It verifies RS256 for `none`.\n\n```sh\nalg ES256\n```\n\nAnd RS256 company.\n"
    )


@EVERY
def test_nothing_of_the_example_is_left(recipe: Recipe) -> None:
    for name, text in recipe.filled(OTHER).items():
        assert "example.com" not in text, name
        # Also at the end of Tyk's and Apache's variables; x_org_id is a header.
        assert not re.search(rf"(?<![a-z]_){COMPANY_CLAIM}(?!\w)", text.replace("jwt_claims_", "")), name
    page = recipe.page(OTHER)
    assert HOST not in page
    assert AUDIENCE not in page


@EVERY
def test_the_example_is_what_stands_in_the_files(recipe: Recipe) -> None:
    """Nothing in them is a template: filled with the example's own values they are as they were."""
    for name, text in recipe.filled(EXAMPLE).items():
        assert text == (recipe.folder / name).read_text()
    assert recipe.page(EXAMPLE) == (recipe.folder / "README.md").read_text()


@EVERY
def test_entries_say_what_they_may(recipe: Recipe) -> None:
    from tokens.jwk import ALGORITHMS

    listed = tomllib.loads((FOLDER / "recipes.toml").read_text())[recipe.name]
    assert set(listed) <= {"title", "kind", "files", "algorithms", "aliases", "needs_audience"}
    assert recipe.kind in ("gateway", "library", "service")
    assert set(recipe.algorithms) <= set(ALGORITHMS)
    assert recipe.files or recipe.kind == "service"
    assert recipe.page(EXAMPLE).startswith("# ")


def test_every_folder_with_a_page_is_listed() -> None:
    folders = {page.parent.name for page in FOLDER.glob("*/README.md")}
    assert folders == set(recipes())


def test_names_and_aliases_are_unique_and_found_in_any_case() -> None:
    names = [name for recipe in recipes().values() for name in (recipe.name, *recipe.aliases)]
    assert len(names) == len(set(names))
    for recipe in recipes().values():
        for name in (recipe.name, *recipe.aliases):
            assert recipe_named(name.upper()) is recipe
    with pytest.raises(Invalid, match="there are: "):
        recipe_named("nonsense")
