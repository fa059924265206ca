"""The example of docs/writing-a-plugin.md does what the page says."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from provisioning.contract import CAPABILITIES, capabilities
from provisioning.registry import load_plugins
from provisioning.testing import make_toolbox

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/writing-a-plugin.md").read_text()


def block(language: str, number: int = 0) -> str:
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return blocks[number]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(block("toml"))
    (tmp_path / "acme_plugin.py").write_text(block("python", 0))
    (tmp_path / "test_acme.py").write_text(block("python", 1))
    return tmp_path


def test_example_passes_the_contract_suite_with_the_result_on_the_page(example: Path) -> None:
    promised = re.search(r"`(\d+ passed, \d+ skipped)`", PAGE)
    assert promised
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO"))}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(example)],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert promised[1] in run.stdout


def test_example_is_loaded_by_its_entry_point(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(example)
    monkeypatch.delitem(sys.modules, "acme_plugin", raising=False)
    declared = tomllib.loads(block("toml"))["project"]["entry-points"]["latchkey.plugins"]
    entries = [EntryPoint(name, target, "latchkey.plugins") for name, target in declared.items()]
    settings = {"PLUGIN_ACME_URL": "https://acme.example.com", "PLUGIN_ACME_TOKEN": "t"}
    plugin = load_plugins("acme", settings.get, make_toolbox(), entries).default
    shown = re.search(r"its capabilities `([a-z ]+)`", PAGE)
    assert shown
    assert capabilities(plugin) == shown[1].split()


def test_table_of_capabilities_is_complete() -> None:
    table = PAGE.split("Beyond the three verbs")[1].split("**`local")[0]
    assert all(f"`{name}`" in table for name in CAPABILITIES)
