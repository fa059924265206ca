"""``gateway_config``: a recipe alone on stdout, or as files that replace nothing by accident."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.core import recipes as recipes_module
from portal.core.plugins import registry, set_registry
from portal.core.recipes import recipes
from portal.models import SigningKey
from provisioning.registry import Registry
from tests.docs.sources import ROOT
from tests.jwt_settings import jwt_settings
from tests.oauth import auth0_enabled

pytestmark = pytest.mark.django_db
LISTED = """
[one]
title = "One"
kind = "gateway"
files = ["one.conf"]
algorithms = ["RS256", "ES256"]
aliases = ["uno"]

[two]
title = "Two"
kind = "library"
files = ["a.py", "deep/b.py"]

[page]
title = "Page"
kind = "service"
needs_audience = true
"""
FILES = {
    "recipes.toml": LISTED,
    "one/one.conf": 'jwks https://portal.example.com/.well-known/jwks.json\niss https://portal.example.com\n'
                    'aud https://api.example.com\nalg ["RS256"]\nclaim org_id\n',
    "one/README.md": "# One at portal.example.com\n",
    "two/a.py": "a = 1\n",
    "two/deep/b.py": "b = 'https://portal.example.com/api/v1/verify'\n",
    "two/README.md": "# Two\n",
    "page/README.md": "# Page of https://portal.example.com/\n",
}  # fmt: skip
JWKS = "http://127.0.0.1:8000/.well-known/jwks.json"
HTTP = "note: This portal speaks http. Most gateways fetch keys over https only.\n"


@dataclass(frozen=True)
class Said:
    out: str
    notes: str


def run(*command: str) -> Said:
    out, err = StringIO(), StringIO()
    call_command("gateway_config", *command, stdout=out, stderr=err)
    return Said(out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three recipes of our own: a file, two files, a page."""
    for name, text in FILES.items():
        path = tmp_path / "gateways" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(recipes_module, "FOLDER", tmp_path / "gateways")
    recipes.cache_clear()
    yield tmp_path
    recipes.cache_clear()


def test_one_file_is_alone_on_stdout() -> None:
    said = run("one")
    assert said.out == f'jwks {JWKS}\niss http://127.0.0.1:8000\nalg ["RS256"]\nclaim org_id\n'
    assert said.notes == HTTP
    assert run("UNO").out == said.out


def test_several_files_have_their_names_over_them() -> None:
    assert run("two").out == (
        "==> a.py <==\na = 1\n\n==> deep/b.py <==\nb = 'http://127.0.0.1:8000/api/v1/verify'\n"
    )


def test_a_recipe_that_is_a_page_is_printed() -> None:
    assert run("page").out == "# Page of http://127.0.0.1:8000/\n"


def test_all_are_listed() -> None:
    listed = [line.split(maxsplit=2) for line in run("--list").out.splitlines()]
    assert listed == [["one", "gateway", "One"], ["two", "library", "Two"], ["page", "service", "Page"]]


@pytest.mark.parametrize("command", [["nonsense"], []])
def test_without_a_recipe_all_are_named(command: list[str]) -> None:
    with pytest.raises(CommandError, match="one, two, page"):
        run(*command)


def test_every_value_is_this_portals() -> None:
    settings = {
        "algorithm": "ES256", "audience": "urn:orders", "issuer": "https://keys.test", "company_id_field": "company",
    }  # fmt: skip
    with jwt_settings(**settings):
        assert SigningKey.objects.published().filter(algorithm="RS256").exists()  # still verifies
        said = run("one")
    assert said.out == (
        f'jwks {JWKS}\niss https://keys.test\naud urn:orders\nalg ["ES256", "RS256"]\nclaim company\n'
    )
    assert "PLUGIN_JWT_ISSUER differs" in said.notes


def test_one_of_several_audiences_is_chosen() -> None:
    with jwt_settings(audience="urn:orders,urn:bills"):
        first, second = run("one"), run("one", "--audience", "urn:bills")
        with pytest.raises(CommandError, match="this portal's keys are for urn:orders, urn:bills"):
            run("one", "--audience", "urn:else")
    assert "aud urn:orders\n" in first.out
    assert "aud urn:bills\n" in second.out
    assert "Keys are for urn:orders, urn:bills. This asks for urn:orders." in first.notes
    assert "This asks for urn:bills." in second.notes


def test_an_audience_that_no_key_names_is_refused() -> None:
    with pytest.raises(CommandError, match="PLUGIN_JWT_AUDIENCE"):
        run("one", "--audience", "urn:orders")


def test_what_the_gateway_cannot_verify_is_said() -> None:
    with jwt_settings(algorithm="EdDSA"):
        assert (
            "One can't verify EdDSA, with which this portal signs: it refuses every key." in run("one").notes
        )
        assert "EdDSA" not in run("two").notes  # it asks the portal


def test_a_gateway_that_needs_an_audience_says_so() -> None:
    assert "set PLUGIN_JWT_AUDIENCE" in run("page").notes
    assert "PLUGIN_JWT_AUDIENCE" not in run("one").notes
    with jwt_settings(audience="urn:orders"):
        assert "PLUGIN_JWT_AUDIENCE" not in run("page").notes


def test_an_algorithm_of_before_is_told_apart() -> None:
    SigningKey.objects.filter(state="staged").update(algorithm="PS512")
    notes = run("one").notes
    assert "One can't verify PS512, which is in the JWKS as well" in notes
    assert "every key" not in notes


def test_a_shared_secret_is_not_in_the_jwks_and_not_in_the_configuration() -> None:
    secret = "a shared secret of forty characters ....."
    with jwt_settings(algorithm="HS256", secret=secret):
        said = run("one")
        assert "HS256, a shared secret, which is not in the JWKS" in said.notes
        assert "HS256" not in said.out
        assert secret not in said.out + said.notes
        assert "secret" not in run("two").notes


def test_without_jwt_keys_there_is_nothing_to_verify() -> None:
    before = registry()
    with auth0_enabled():
        set_registry(Registry([plugin for plugin in registry() if plugin.slug != "jwt"]))
        said = run("one")
    set_registry(before)
    assert "The plugin jwt is not enabled" in said.notes
    assert said.out.startswith(f"jwks {JWKS}\n")


@pytest.mark.parametrize(
    "settings", [{"audience": 'say "orders"'}, {"issuer": "a $issuer"}, {"company_id_field": "a.b"}]
)
def test_odd_values_are_pointed_at(settings: dict[str, str]) -> None:
    with jwt_settings(**settings):
        assert "look at where it stands" in run("one").notes


def test_files_are_written_with_their_readme(sample: Path) -> None:
    folder = sample / "new" / "folder"
    said = run("two", "--output", str(folder))
    assert said.out.splitlines() == [str(folder / name) for name in ("a.py", "deep/b.py", "README.md")]
    assert (folder / "deep/b.py").read_text() == "b = 'http://127.0.0.1:8000/api/v1/verify'\n"
    assert said.notes == HTTP
    run("two", "--output", str(folder))  # the same again is no conflict


def test_files_that_differ_are_kept_unless_forced(sample: Path) -> None:
    folder = sample / "etc"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    with pytest.raises(CommandError, match=r"README\.md is there already and differs"):
        run("one", "--output", str(folder))
    assert [path.name for path in folder.iterdir()] == ["README.md"]
    assert (folder / "README.md").read_text() == "mine"
    run("one", "--output", str(folder), "--force")
    assert (folder / "README.md").read_text() == "# One at 127.0.0.1:8000\n"


def test_a_folder_that_is_a_file_is_one_line(sample: Path) -> None:
    with pytest.raises(CommandError, match="one/one.conf"):
        run("one", "--output", str(sample / "gateways/one/one.conf"))


def test_a_link_or_a_folder_in_the_way_is_one_line(sample: Path) -> None:
    (sample / "out/one.conf").mkdir(parents=True)
    with pytest.raises(CommandError, match=r"one\.conf"):
        run("one", "--output", str(sample / "out"), "--force")


def test_help_explains_every_option() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "gateway_config", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True, env={"PORTAL_ENV": "development", "PATH": ""},
    )  # fmt: skip
    for option in ("--list", "--output", "--force", "--audience"):
        assert option in done.stdout
