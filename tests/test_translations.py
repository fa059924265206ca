"""Every sentence for customers is in the catalogue, and German has all of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.real.required import require

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[1]
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue(language: str, root: Path = ROOT) -> Path:
    return root / "portal" / "locale" / language / "LC_MESSAGES" / "django.po"


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with catalogues that were just brought up to date."""
    require(shutil.which("xgettext") is not None, "gettext is not installed (Debian: apt install gettext)")
    copy = tmp_path_factory.mktemp("sources")
    for name in ("portal", "templates", "provisioning", "tokens"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    for name in ("manage.py", "Makefile"):
        shutil.copy(ROOT / name, copy)
    subprocess.run(
        ["make", "--silent", "messages", f"BIN={Path(sys.executable).parent}"],
        cwd=copy, check=True, capture_output=True,
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},  # manage.py's own
    )  # fmt: skip
    return copy


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_new_is_missing_and_nothing_old_is_left(extracted: Path, language: str) -> None:
    assert sentences(catalogue(language)) == sentences(catalogue(language, extracted))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_and_keeps_its_placeholders(extracted: Path, language: str) -> None:
    path = catalogue(language)
    for which in ("--untranslated", "--only-fuzzy"):
        left = subprocess.run(["msgattrib", which, path], capture_output=True, text=True, check=True).stdout
        assert left == "", which
    checked = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_installed_was_compiled_from_the_catalogue(extracted: Path, language: str) -> None:
    path = catalogue(language)
    compiled = subprocess.run(["msgfmt", "-o", "-", path], capture_output=True, check=True).stdout
    assert path.with_suffix(".mo").read_bytes() == compiled, "run: make messages"


def sentences(path: Path) -> set[str]:
    """The originals, joined from their lines."""
    blocks = re.findall(r'^msgid (".*"(?:\n".*")*)', path.read_text(), re.MULTILINE)
    return {"".join(re.findall(r'"(.*)"', block)) for block in blocks} - {""}
