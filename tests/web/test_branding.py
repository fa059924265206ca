"""The operator's name, colour, logo and templates stand for the portal's, on the first page and everywhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from tests.web.strict import assert_strict

pytestmark = pytest.mark.django_db


def page(client: Client, where: str = "/") -> str:
    return str(client.get(where).content.decode())


@pytest.mark.parametrize(
    ("signup", "first", "second"),
    [
        ("open", "/accounts/signup/", "/accounts/login/"),
        ("approval", "/accounts/signup/", "/accounts/login/"),
        ("invite", "/accounts/login/", "/accounts/password/reset/"),
    ],
)
def test_the_first_page_leads_in_as_sign_up_is_set(
    client: Client, settings: Settings, signup: str, first: str, second: str
) -> None:
    settings.PORTAL_SIGNUP = signup
    hero = page(client).partition('class="hero"')[2]
    assert re.findall(r'role="button"[^>]*href="([^"]*)"', hero) == [first, second]


def test_the_first_page_leads_to_the_documentation_and_loads_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/")
    assert_strict(answer)
    links = re.findall(r'href="(/docs[^"]*|/api/v1/docs)"', answer.content.decode())
    assert {"/docs", "/docs/calls", "/docs/verify", "/docs/scripts", "/api/v1/docs"} <= set(links)


def test_who_is_signed_in_goes_straight_to_the_dashboard(browser: Client) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard")


@pytest.mark.parametrize("where", ["/", "/docs", "/docs/calls", "/accounts/login/", "/nothing-here"])
def test_every_page_is_the_operators(client: Client, settings: Settings, where: str) -> None:
    settings.PORTAL_NAME = "Acme <APIs>"
    settings.PORTAL_LOGO_URL = "https://cdn.acme.example/logo.svg"
    settings.PORTAL_SUPPORT_EMAIL = "help@acme.example"
    found = page(client, where)
    assert re.search(r"<title>[^<]+ · Acme &lt;APIs&gt;</title>", found)
    assert '<img src="https://cdn.acme.example/logo.svg" alt="">' in found
    assert 'href="mailto:help@acme.example"' in found
    assert "Latchkey" not in found


def test_the_accent_is_a_style_sheet_with_a_colour_that_can_be_read_on_it(
    client: Client, settings: Settings
) -> None:
    settings.PORTAL_ACCENT_COLOR = "#ffcc00"
    answer = client.get("/branding.css")
    assert answer["Content-Type"].startswith("text/css")
    assert b"--accent:#ffcc00;--accent-ink:#000000" in answer.content


OPERATORS = """
import django
django.setup()
from django.template.loader import render_to_string
print(render_to_string("portal/brand_mark.html"))
"""


def started_with(folder: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "portal.config.settings", "PORTAL_ENV": "development",
        "PORTAL_VAR": str(tmp_path / "var"), "PORTAL_TEMPLATES": folder,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", OPERATORS], env=environment, cwd=configured.BASE_DIR,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_operators_template_is_found_before_ours(tmp_path: Path) -> None:
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal/brand_mark.html").write_text("the mark of Acme")
    run = started_with(str(tmp_path), tmp_path)
    assert run.stdout.strip() == "the mark of Acme", run.stderr


@pytest.mark.parametrize("folder", ["templates", "/does/not/exist", "/etc/hosts"])
def test_a_folder_that_cannot_be_used_stops_the_start(folder: str, tmp_path: Path) -> None:
    run = started_with(folder, tmp_path)
    assert run.returncode != 0
    assert "PORTAL_TEMPLATES" in run.stderr
    assert folder not in run.stderr.splitlines()[-1]
