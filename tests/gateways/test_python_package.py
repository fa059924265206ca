"""gateways/python installs without a network, alone, and brings ``tokens`` under its own name."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from portal.core.recipes import FOLDER
from tests.gateways.api_server import TOKENS, build

USE = """
import sys
import latchkey_verifier
from latchkey_verifier import PortalVerifier, Refused, key_checker

keys = PortalVerifier(key_checker("https://127.0.0.1:9"))
try:
    keys.key("Bearer x.y.z")
except Refused as refused:
    print(refused.status)
print(latchkey_verifier.__file__)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verifier")
    build(folder)
    return folder


def test_it_works_where_it_is_installed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens.py").write_text("raise ImportError('an API server\\'s own module')\n")
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{source / 'installed'}"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    status, file, modules = done.stdout.splitlines()
    assert status == "401"
    assert Path(file).is_relative_to(source / "installed")
    assert not {"tokens", "django", "rest_framework", "flask", "fastapi", "portal"} & set(modules.split())


def test_it_brings_what_the_checkout_has(source: Path) -> None:
    package = source / "installed/latchkey_verifier"
    assert {path.name for path in TOKENS.glob("*.py")} == {path.name for path in package.glob("tokens/*.py")}
    ours = {path.name for path in (FOLDER / "python/latchkey_verifier").iterdir() if path.is_file()}
    assert ours == {path.name for path in package.iterdir() if path.is_file()}
    for path in package.rglob("*.py"):
        assert "\nfrom tokens" not in path.read_text(), path
        assert "import tokens" not in path.read_text(), path


def test_a_wheel_is_all_that_another_machine_needs(source: Path, tmp_path: Path) -> None:
    """After an install in the same folder, as somebody's second attempt is."""
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet",
            "--disable-pip-version-check", "--wheel-dir", tmp_path, source / "source/gateways/python",
        ],
        check=True, timeout=120,
    )  # fmt: skip
    [wheel] = tmp_path.glob("latchkey_verifier-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert "latchkey_verifier/tokens/verify.py" in packed.namelist()
        assert {name.partition("/")[0].partition("-")[0] for name in packed.namelist()} == {
            "latchkey_verifier"
        }


def test_it_depends_on_two_packages() -> None:
    project = tomllib.loads((FOLDER / "python/pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["pyjwt[crypto]>=2.15", "cryptography>=45"]
