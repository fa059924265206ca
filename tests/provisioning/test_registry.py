import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from provisioning.config import ConfigError, environ_get_config
from provisioning.registry import BUILTINS, PLANNED, Registry, UnknownPlugin, load_plugins
from provisioning.testing import make_toolbox

STRANGERS = "tests.provisioning.plugins_for_registry"


def entry(target: str, name: str = "stranger") -> EntryPoint:
    return EntryPoint(name, target if ":" in target else f"{STRANGERS}:{target}", "latchkey.plugins")


def load(names: str, *entries: EntryPoint, **settings: str) -> Registry:
    return load_plugins(names, settings.get, make_toolbox(), entries)


def refusal(names: str, *entries: EntryPoint, **settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(names, *entries, **settings)
    assert caught.value.variable == "PLUGIN_APIM_PROVIDER"
    return caught.value.problem


@pytest.mark.parametrize("names", ["", "  ", " , ", "jwt", " JWT ", "aws", "Aws,"])
def test_jwt_is_the_default_and_aws_another_name_for_it(names: str) -> None:
    registry = load(names)
    assert registry.slugs == ("jwt",)
    assert registry.default is registry.get("jwt")


def test_first_name_is_the_default_and_order_is_kept() -> None:
    registry = load(" Stranger , jwt", entry("Stranger"))
    assert registry.default.slug == "stranger"
    assert [plugin.slug for plugin in registry] == ["stranger", "jwt"]


def test_plugin_gets_the_settings_and_the_toolbox() -> None:
    plugin = load("jwt", PLUGIN_JWT_EXPIRES_IN="2d").default
    assert plugin.default_lifetime is not None
    assert plugin.default_lifetime.days == 2


def test_plugin_that_is_not_enabled_is_unknown() -> None:
    with pytest.raises(UnknownPlugin):
        load("jwt", entry("Stranger")).get("stranger")
    assert issubclass(UnknownPlugin, KeyError)


@pytest.mark.parametrize("slug", sorted(PLANNED - BUILTINS.keys()))
def test_planned_plugin_is_said_to_be_missing_in_this_version(slug: str) -> None:
    assert refusal(slug) == f"this version has no plugin {slug}; it has: auth0-m2m, jwt"


def test_kong_is_konnect_once_a_personal_access_token_is_set() -> None:
    assert "kong-gateway" in refusal("kong")
    assert "kong-konnect" in refusal("kong", PLUGIN_KONNECT_PAT="kpat")
    konnect = entry("tests.provisioning.konnect_stub:Konnect", name="kong-konnect")
    assert "kong-konnect can't be imported" in refusal("kong", konnect, PLUGIN_KONNECT_PAT="kpat")


def test_unknown_name_is_counted_not_repeated_and_known_ones_are_listed() -> None:
    problem = refusal("jwt, hidden-typo", entry("Stranger"))
    assert problem == "entry 2 is not the name of an installed plugin; there are: auth0-m2m, jwt, stranger"


@pytest.mark.parametrize("names", ["jwt,jwt", "jwt,AWS", "stranger,jwt,aws"])
def test_plugin_named_twice_is_refused(names: str) -> None:
    assert "mean the same plugin" in refusal(names, entry("Stranger"))


def test_slug_offered_twice_is_refused() -> None:
    problem = refusal("stranger", entry("Stranger"), entry("GoodLifetime"))
    assert f"{STRANGERS}:GoodLifetime, {STRANGERS}:Stranger" in problem


def test_entry_point_can_not_shadow_a_builtin() -> None:
    problem = refusal("jwt", entry("Stranger", name="jwt"))
    assert "the built-in one" in problem
    assert "Stranger" in problem


def test_plugin_that_is_not_named_is_never_imported() -> None:
    assert load("jwt", entry("no.such.module:Plugin")).slugs == ("jwt",)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("no.such.module:Plugin", "No module named 'no'"),
        ("NoSuchClass", "has no attribute 'NoSuchClass'"),
        ("function", "is not a class"),
        ("OtherSlug", "slug is not stranger"),
        ("NextVersion", "keeps version 2 of the contract; this portal needs 1"),
        ("OneVerb", "lacks from_config, get_user, provision_user, local"),
        ("Inherits", "lacks provision_user, create_api_key"),
        ("BadLifetime", "needs a default_lifetime"),
        ("FailsToStart", "failed to start (KeyError)"),
    ],
)
def test_plugin_that_breaks_the_form_is_refused(target: str, problem: str) -> None:
    found = refusal("stranger", entry(target))
    assert problem in found
    assert "hidden" not in found


def test_slug_that_is_no_slug_is_refused() -> None:
    assert "slug" in refusal("bad_slug", entry("BadSlug", name="bad_slug"))


def test_lifetime_may_be_a_duration() -> None:
    assert load("stranger", entry("GoodLifetime")).default.default_lifetime is not None


def test_plugins_own_complaint_names_its_variable() -> None:
    with pytest.raises(ConfigError, match=r"^PLUGIN_STRANGER_TOKEN: is missing$"):
        load("stranger", entry("NeedsToken"))


def test_installed_distributions_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[latchkey.plugins]\nstranger = {STRANGERS}:Stranger\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert load_plugins("stranger", environ_get_config({}), make_toolbox()).slugs == ("stranger",)
