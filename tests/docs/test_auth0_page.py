"""docs/plugins/auth0-m2m.md names the permissions, variables and capabilities that the plugin has."""

import re

import pytest

from provisioning.contract import capabilities
from provisioning.plugins.auth0_m2m.permissions import NEEDED, OPTIONAL
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from provisioning.testing import make_toolbox
from tests.docs.pages import block
from tests.docs.sources import ROOT
from tests.docs.variables import variables
from tests.oauth import SETTINGS

pytestmark = pytest.mark.once
NAME = "docs/plugins/auth0-m2m.md"
PAGE = (ROOT / NAME).read_text()


def test_the_list_to_grant_is_what_is_needed_and_one_that_is_not() -> None:
    listed = re.search(r"^```\n(create:client_grants\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split()) == {*NEEDED, "update:organizations"}
    assert len(listed[1].split()) == 10


def test_each_optional_permission_has_its_row_and_no_other() -> None:
    assert set(re.findall(r"^\| `([a-z]+:[a-z_]+)` \|", PAGE, re.MULTILINE)) == set(OPTIONAL)


def test_settings_are_the_plugins_and_it_starts_with_them() -> None:
    settings = dict(line.split("=", 1) for line in block(NAME, "sh", "PLUGIN_APIM_PROVIDER").splitlines())
    assert set(settings) <= set(variables())
    assert set(SETTINGS) <= set(settings)
    plugin = Auth0M2mPlugin.from_config(settings.get, make_toolbox())
    assert plugin.offered_scopes == ("orders:read", "orders:write")


def test_the_answer_shown_has_the_plugins_capabilities() -> None:
    shown = re.search(r'"capabilities": \[([^]]*)]', PAGE)
    assert shown is not None
    plugin = Auth0M2mPlugin.from_config(SETTINGS.get, make_toolbox())
    assert re.findall(r'"(\w+)"', shown[1]) == capabilities(plugin)
