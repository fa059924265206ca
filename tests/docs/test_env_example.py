""".env.example lists every variable that the code reads, and nothing else; its defaults are the code's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.sources import ROOT
from tests.docs.variables import variables

pytestmark = pytest.mark.once
PAGE = (ROOT / ".env.example").read_text()
LISTED = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", PAGE, re.MULTILINE))
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()


def test_every_variable_that_is_read_is_listed_and_no_other() -> None:
    assert sorted(LISTED) == sorted(variables())


def test_every_variable_is_described_in_the_configuration_page_and_no_other() -> None:
    described = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", CONFIGURATION, re.MULTILINE)
    assert sorted(described) == sorted(LISTED)


def test_defaults_shown_are_those_of_the_code() -> None:
    literal = {name: default for name, default in variables().items() if default is not None}
    assert len(literal) > 20
    assert {name: LISTED[name] for name in literal} == literal


def test_every_line_is_a_comment_or_a_variable_commented_out() -> None:
    odd = [line for line in PAGE.splitlines() if line and not re.match(r"# |#[A-Z][A-Z0-9_]*=", line)]
    assert odd == []


@pytest.mark.parametrize(
    "needed",
    [
        {"PORTAL_ENV": "development"},
        {
            "PORTAL_BASE_URL": "https://portal.example.com",
            "SECRET_KEY": "not-secret-" * 5,
            "PORTAL_SEALING_KEYS": "not-sealing-" * 5,
        },
    ],
    ids=["development", "production"],
)
def test_portal_starts_with_every_line_uncommented(needed: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "all.env"
    file.write_text(re.sub(r"^#([A-Z])", r"\1", PAGE, flags=re.MULTILINE))
    start = (
        "import sys, environ; environ.Env.read_env(sys.argv[1]);"
        "from django.core.management import call_command; import django; django.setup();"
        "call_command('check', fail_level='WARNING')"
    )
    run = subprocess.run(
        [sys.executable, "-c", start, str(file)],
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "portal.config.settings", **needed},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
