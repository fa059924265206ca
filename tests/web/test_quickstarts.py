"""The programs on keys' pages: they run as they stand, whatever the values hold, and never hold the secret."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client

from portal.models import IssuedKey, Membership
from portal.web.keys.quickstart import PLACEHOLDER, quickstart
from tests.oauth import PUBLIC, auth0_enabled, oauth_key
from tests.real.required import require

pytestmark = pytest.mark.django_db
HOSTILE = "https://api.example.com/?a=1&b=2+3 'one' \"two\" $HOME `id` %41 \\n ü 🔑 </code><script> {{ x }} #"
SECRET = "right $%'&+\"\\"
RUN = {"curl": ("sh", "call.sh"), "python": ("python3", "call.py"), "javascript": ("node", "call.mjs")}
"""How each is run. Go, which few machines have, is only looked at."""


@dataclass
class Api:
    """An API and its token endpoint; it keeps what it was sent."""

    url: str
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            api.forms.append(parse_qs(body, strict_parsing=True))
            if api.forms[-1]["client_secret"] == [SECRET]:
                self._answer(200, json.dumps({"access_token": "eyJ.abc-_.def", "expires_in": 86400}))
            else:
                self._answer(401, '{"error": "access_denied"}')

        def do_GET(self) -> None:
            api.headers.append({name.lower(): value for name, value in self.headers.items()})
            self._answer(200, f"hello from {self.path}")

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = Api(f"http://127.0.0.1:{server.server_port}")
        yield api
        server.shutdown()


def programs(key: IssuedKey) -> dict[str, str]:
    return {snippet.language: snippet.program for snippet in quickstart(key).snippets}


def run(folder: Path, language: str, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command, file = RUN[language]
    found = shutil.which(command)
    require(found, f"{command} is not installed")
    if language == "curl":
        require(shutil.which("curl"), "curl is not installed")
    assert found is not None
    (folder / file).write_text(program)
    before = ["-eu"] if language == "curl" else []
    return subprocess.run(
        [found, *before, file], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **environment},
    )  # fmt: skip


@pytest.fixture
def auth0() -> Iterator[None]:
    with auth0_enabled():
        yield


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
def test_a_key_calls_the_api(
    make_key: Callable[..., IssuedKey], api: Api, settings: Any, tmp_path: Path, language: str
) -> None:
    settings.PORTAL_API_URL = f"{api.url}/v1/orders?a='x'&b=$HOME"
    done = run(tmp_path, language, programs(make_key())[language], API_KEY="eyJ.key-_.x")
    assert (done.returncode, "hello from /v1/orders?a=" in done.stdout) == (0, True), done.stderr
    assert [sent["authorization"] for sent in api.headers] == ["Bearer eyJ.key-_.x"]


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
def test_a_plain_key_goes_into_its_own_header(
    owner: Membership, api: Api, settings: Any, tmp_path: Path, language: str
) -> None:
    settings.PORTAL_API_URL = f"{api.url}/"
    key = oauth_key(owner, plugin="kong", public={}, external_id="kong-id")
    done = run(tmp_path, language, programs(key)[language], API_KEY="plain")
    assert done.returncode == 0, done.stderr
    assert [sent["apikey"] for sent in api.headers] == ["plain"]


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
@pytest.mark.parametrize("audience", [HOSTILE, ""])
def test_a_client_fetches_a_token_and_calls_the_api_with_it(
    owner: Membership, auth0: None, api: Api, settings: Any, tmp_path: Path, language: str, audience: str
) -> None:
    settings.PORTAL_API_URL = f"{api.url}/v1"
    public = {"client_id": f"id {HOSTILE}", "token_url": f"{api.url}/oauth/token", "audience": audience}
    program = programs(oauth_key(owner, public=public))[language]
    done = run(tmp_path, language, program, CLIENT_SECRET=SECRET)
    assert (done.returncode, "hello from /v1" in done.stdout) == (0, True), done.stderr
    form = {"grant_type": ["client_credentials"], "client_id": [f"id {HOSTILE}"], "client_secret": [SECRET]}
    assert api.forms == [{**form, "audience": [audience]} if audience else form]
    assert [sent["authorization"] for sent in api.headers] == ["Bearer eyJ.abc-_.def"]


@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
def test_a_refused_client_is_told_so_and_calls_nothing(
    owner: Membership, auth0: None, api: Api, settings: Any, tmp_path: Path, language: str
) -> None:
    settings.PORTAL_API_URL = f"{api.url}/v1"
    public = {**PUBLIC, "token_url": f"{api.url}/oauth/token"}
    done = run(tmp_path, language, programs(oauth_key(owner, public=public))[language], CLIENT_SECRET="wrong")
    assert ("access_denied" in done.stdout + done.stderr) or "401" in done.stderr
    assert api.headers == []


def test_go_gets_values_as_literals_of_its_own(owner: Membership, auth0: None) -> None:
    program = programs(oauth_key(owner, public={**PUBLIC, "client_id": HOSTILE}))["go"]
    line = next(line.strip() for line in program.splitlines() if '"client_id"' in line)
    literal = line.removeprefix('form.Set("client_id", ').removesuffix(")")
    assert json.loads(literal) == HOSTILE
    assert "\t" in program
    assert "\\u" not in literal  # Go has no halves of characters


def test_every_language_says_that_the_secret_comes_from_the_environment(
    make_key: Callable[..., IssuedKey], owner: Membership, auth0: None
) -> None:
    for key, name in ((make_key(), "API_KEY"), (oauth_key(owner), "CLIENT_SECRET")):
        for program in programs(key).values():
            assert f"The secret comes from the environment variable {name}." in program


def test_the_page_shows_four_tabs_with_real_values(
    browser: Client, make_key: Callable[..., IssuedKey]
) -> None:
    key = make_key()
    page = browser.get(f"/keys/{key.public_id}").content.decode()
    for language in (*RUN, "go"):
        assert f'<label for="in-{language}">' in page
        assert f'id="snippet-{language}"' in page
    assert page.count('type="radio" name="language"') == 4
    assert page.count(" checked") == 1
    assert key.public_id in page
    assert PLACEHOLDER in page
    assert "Put the address of the API that you call in the place of" in page


def test_the_operators_api_takes_the_placeholders_place(
    browser: Client, make_key: Callable[..., IssuedKey], settings: Any
) -> None:
    settings.PORTAL_API_URL = "https://api.acme.test/orders"
    page = browser.get(f"/keys/{make_key().public_id}").content.decode()
    assert page.count("https://api.acme.test/orders") == 4
    assert PLACEHOLDER not in page


def test_the_secret_stands_beside_the_programs_and_in_none(
    browser: Client, make_key: Callable[..., IssuedKey]
) -> None:
    answer = browser.post(f"/keys/{make_key().public_id}/reveal")
    secret = answer.context["parts"][0].text
    page = answer.content.decode()
    assert page.count(secret) == 1
    assert "snippet-go" in page


def test_values_are_escaped_where_they_are_shown(browser: Client, owner: Membership, auth0: None) -> None:
    page = browser.get(f"/keys/{oauth_key(owner, public={**PUBLIC, 'audience': HOSTILE}).public_id}").content
    assert b"</code><script>" not in page
    assert b"&lt;/code&gt;&lt;script&gt;" in page
