"""``/docs``: everybody reads it, with this portal's values; an operator replaces and adds pages."""

import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Membership
from tests.docs.pages import block
from tests.web.conftest import sign_in
from tests.web.strict import assert_strict

pytestmark = pytest.mark.django_db
PAGES = ["calls", "verify", "scripts"]


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The operator's own templates, looked at before ours."""
    (tmp_path / "portal/docs").mkdir(parents=True)
    settings.PORTAL_TEMPLATES = [tmp_path]
    configured = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**configured, "DIRS": [tmp_path, *configured["DIRS"]]}]
    return tmp_path / "portal/docs"


def text(client: Client, where: str) -> str:
    answer = client.get(where)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("where", ["/docs", *(f"/docs/{name}" for name in PAGES)])
def test_everybody_reads_them(client: Client, where: str) -> None:
    answer = client.get(where)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count("<h1>") == 1
    assert_strict(answer)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for pointed in re.findall(r'data-copy="([^"]+)"|href="#([^"]+)"', page):
        assert "".join(pointed) in ids


@pytest.mark.parametrize("where", ["/docs", "/docs/calls"])
def test_members_read_them_in_their_customers_frame(browser: Client, owner: Membership, where: str) -> None:
    page = text(browser, where)
    assert owner.customer.name in page
    assert browser.get(where)["Cache-Control"] == "no-store, private"


def test_who_belongs_to_no_customer_reads_them_all_the_same(owner: Membership) -> None:
    client = sign_in(owner.user)
    owner.delete()
    assert "Call the API" in text(client, "/docs/calls")


def test_a_page_asks_the_database_little(
    browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(12):
        browser.get("/docs/verify")


def test_the_index_names_every_page_and_the_reference(client: Client) -> None:
    page = text(client, "/docs")
    for where in (*(f"/docs/{name}" for name in PAGES), "/api/v1/docs"):
        assert f'href="{where}"' in page


def test_a_page_lists_its_sections(client: Client) -> None:
    page = text(client, "/docs/calls")
    assert '<li><a href="#leaked">When a key leaks</a></li>' in page
    assert '<a href="/docs/calls" aria-current="page">Call the API</a>' in page


def test_pages_hold_this_portals_values(client: Client, settings: Settings) -> None:
    settings.PORTAL_BASE_URL = "https://portal.acme.example"
    settings.PORTAL_API_URL = "https://api.acme.example/v2/things?a=1&b=2"
    assert "curl &#x27;https" not in text(client, "/docs/calls")
    assert "'https://api.acme.example/v2/things?a=1&amp;b=2'" in text(client, "/docs/calls")
    page = text(client, "/docs/verify")
    for value in (
        "/.well-known/jwks.json",
        "/.well-known/status-lists",
        "/api/v1/verify",
        "/api/v1/introspect",
    ):
        assert f"https://portal.acme.example{value}" in page
    assert ">RS256<" in page


def test_the_example_in_python_is_python(client: Client) -> None:
    found = re.search(r'<code id="code-pyjwt">(.*?)</code>', text(client, "/docs/verify"), re.DOTALL)
    assert found is not None
    compile(found[1].replace("&quot;", '"'), "example", "exec")


@pytest.mark.parametrize(
    "name", ["nothing", "_frame", "index", "..%2f..%2f500", "CALLS", "%2e%2e", "calls.html"]
)
def test_nothing_else_can_be_opened(client: Client, folder: Path, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


def test_an_operators_file_replaces_ours(client: Client, folder: Path) -> None:
    (folder / "calls.html").write_text("<h1>Calling Acme</h1>\n<p>Use {{ portal.portal }}.</p>\n")
    page = text(client, "/docs/calls")
    assert "<h1>Calling Acme</h1>" in page
    assert "Use http" in page
    assert "Send the key" not in page
    assert "Calling Acme" in text(client, "/docs")


def test_the_documented_example_becomes_a_page(client: Client, folder: Path) -> None:
    (folder / "rate-limits.html").write_text(block("docs/branding.md", "html", "<h1>Rate limits</h1>"))
    index = text(client, "/docs")
    assert '<a href="/docs/rate-limits">Rate limits</a>' in index
    assert "How many calls you may make." in index
    page = text(client, "/docs/rate-limits")
    assert '<a href="#bursts">Bursts</a>' in page
    assert 'href="/docs/calls"' in page
    assert_strict(client.get("/docs/rate-limits"))


def test_files_with_other_names_are_no_pages(client: Client, folder: Path) -> None:
    for name in ("_draft.html", "Draft.html", "draft page.html", "draft.txt", "index2.htm"):
        (folder / name).write_text("<h1>Draft</h1>")
    assert "Draft" not in text(client, "/docs")
    assert client.get("/docs/Draft").status_code == 404


def test_a_page_without_a_heading_is_called_like_its_file(client: Client, folder: Path) -> None:
    (folder / "change-log.html").write_text("<p>Nothing yet.</p>")
    assert ">Change log</a>" in text(client, "/docs")


def test_commands_need_nothing_that_a_bare_system_lacks() -> None:
    pages = "".join(Client().get(f"/docs/{name}").content.decode() for name in PAGES)
    assert set(re.findall(r"\$\((\w+)", pages)) == {"date"}
