"""What the documents point at is there: files, commands, targets, paths."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from tests.docs.pages import pages
from tests.docs.sources import ROOT

pytestmark = pytest.mark.once
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
PUBLISHED = {
    "/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
    "/.well-known/status-lists",
}  # fmt: skip


@PAGES
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\[[^]]*\]\(([^)\s]+)\)", page.read_text())
    local = {link.partition("#")[0] for link in links if "://" not in link} - {""}
    assert [link for link in sorted(local) if not (page.parent / link).exists()] == []


@PAGES
def test_commands_exist(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z][a-z_]+)", page.read_text()))
    assert sorted(named - set(get_commands())) == []


@PAGES
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = re.sub(r"(?s)## Not there yet.*", "", page.read_text())
    typed = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)(?: [A-Z=0-9_]+)?(?: +#.*)?$", text, re.MULTILINE)
    assert sorted({quoted or plain for quoted, plain in typed} - targets) == []


@PAGES
def test_paths_are_answered(page: Path) -> None:
    text = page.read_text()
    api = {path.rstrip(".") for path in re.findall(r"/api/v1/[a-z][a-z/-]*[a-z]", text)}
    assert [path for path in sorted(api) if not _is_answered(path)] == []
    assert set(re.findall(r"/\.well-known/[a-z.-]*[a-z]", text)) <= PUBLISHED


def _is_answered(path: str) -> bool:
    """By a view of ours, not by the one that says 404 for the rest."""
    for candidate in (path, f"{path}/x"):
        try:
            if resolve(candidate).func.__name__ != "not_found":
                return True
        except Resolver404:
            continue
    return False
