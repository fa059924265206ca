"""gateways/moesif with the real moesifdjango: who called arrives at Moesif, what they called with never does."""

import base64
import importlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portal.core.recipes import recipe_named
from tests.fakes.moesif import MoesifCollector
from tests.gateways.api_server import ApiServer, serving
from tests.gateways.bad_tokens import BAD
from tests.gateways.issuer import CUSTOMER, USER, Issuer
from tests.real.http_calls import request
from tests.real.portal import free_port
from tests.real.waiting import eventually

WAIT_SECONDS = 60

SETTINGS = """
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
ROOT_URLCONF = "views"
REST_FRAMEWORK = {{"UNAUTHENTICATED_USER": None}}
USE_TZ = True
LATCHKEY = {{"PORTAL": {portal!r}, "AUDIENCE": {audience!r}}}
"""
VIEWS = """
import json
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from latchkey_verifier.django import require_key
from latchkey_verifier.drf import HasScopes, KeyAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView


@csrf_exempt
@require_key("orders:read")
def orders(request):
    return JsonResponse({"echo": request.body.decode(), "headers": dict(request.headers)})


@csrf_exempt
def anybody(request):
    answer = HttpResponse(request.body, content_type=request.content_type)
    answer["X-Echo"] = request.headers.get("Authorization", "-")
    return answer


def sign_in(request):
    request.session["who"] = "somebody"
    return JsonResponse({})


class Rest(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScopes]
    required_scopes = ["orders:read"]

    def get(self, request):
        return Response({"customer": request.auth.customer})


urlpatterns = [path("orders", orders), path("anybody", anybody), path("sign-in", sign_in), path("rest", Rest.as_view())]
"""
SERVED = """
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
"""
BARE = """
MIDDLEWARE += ["moesifdjango.middleware.moesif_middleware"]
MOESIF_MIDDLEWARE = {"APPLICATION_ID": "app"}
"""


@dataclass
class Site:
    """An API, and the collector that it tells."""

    server: ApiServer
    collector: MoesifCollector
    issuer: Issuer

    def event(self, mark: str) -> dict[str, Any]:
        """The event of the call whose address holds ``mark``."""
        eventually(lambda: self.collector.event_of(mark), f"the event {mark}", seconds=WAIT_SECONDS)
        return self.collector.event_of(mark) or {}

    def post(self, path: str, token: str, body: bytes, content_type: str, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {token}", "Content-Type": content_type, **headers}
        return request(f"http://127.0.0.1:{self.server.port}{path}", "POST", body, sent).status

    def told(self, text: str) -> bool:
        """Whether the collector was ever sent it, in clear or as base64 of whatever surrounds it."""
        needle = text.encode()
        within = [base64.b64encode(needle[shift:])[4:-4] for shift in range(3)]
        return any(part in sent for sent in list(self.collector.received) for part in [needle, *within])


@contextmanager
def site(
    issuer: Issuer,
    folder: Path,
    further: str = "",
    *,
    shown: bool = True,
    refuses: bool = False,
    away: bool = False,
) -> Iterator[Site]:
    folder.mkdir()
    recipe = recipe_named("moesif")
    (settings,) = re.findall(r"```python\n# settings\.py\n(.+?)```", recipe.page(issuer.values), re.DOTALL)
    with MoesifCollector().serving() as collector:
        collector.refuses = refuses
        base = SETTINGS.format(portal=issuer.url, audience=issuer.audience)
        url = f"http://127.0.0.1:{free_port()}" if away else collector.url
        address = f'MOESIF_MIDDLEWARE["BASE_URI"] = {url!r}\n'
        files = {
            "settings.py": base + (settings if shown else "") + further + address,
            "views.py": VIEWS, "served.py": SERVED, **recipe.filled(issuer.values),
        }  # fmt: skip
        for name, text in files.items():
            (folder / name).write_text(text)
        with serving("wsgi", "served:application", issuer, folder) as server:
            yield Site(server, collector, issuer)


@pytest.fixture(scope="module")
def as_shown(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With the settings of the README, word for word."""
    with site(issuer, tmp_path_factory.mktemp("moesif") / "shown") as started:
        yield started


@pytest.fixture(scope="module")
def with_bodies(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("moesif") / "bodies"
    with site(issuer, folder, 'MOESIF_MIDDLEWARE["LOG_BODY"] = True\n') as started:
        yield started


@pytest.fixture(scope="module")
def bare(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """moesifdjango as its own documentation starts: what our settings are held against."""
    with site(issuer, tmp_path_factory.mktemp("moesif") / "bare", BARE, shown=False) as started:
        yield started


HOSTILE: dict[str, str] = {
    "garbage": "eyJ.@@.",
    "dots": "...",
    "half": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2aXAifQ.",
    "other scheme": "Basic dmlwOnZpcA==",
    "long": "eyJ" + "a" * 6000,
}
"""Beside BAD: no tokens at all."""


@pytest.fixture(scope="module")
def statuses(as_shown: Site) -> dict[str, int]:
    """One call of each kind, all at once, since moesifdjango sends every two seconds: its mark → the answer's status."""
    issuer, call = as_shown.issuer, as_shown.server.call
    elsewhere = {"idx": 10**9, "uri": f"{issuer.url}/.well-known/status-lists/0"}
    calls = {
        "good_orders": ("/orders", issuer.token()),
        "good_anybody": ("/anybody", issuer.token()),
        "good_rest": ("/rest", issuer.token()),
        "scope": ("/orders", issuer.token(scope="nothing")),
        "revoked": ("/anybody", issuer.token(status={"status_list": elsewhere})),
        "missing": ("/orders", None),
        **{_mark(what): ("/anybody", make(issuer)) for what, make in BAD.items()},
        **{_mark(what): ("/anybody", token) for what, token in HOSTILE.items()},
    }
    return {mark: call(token, path=f"{path}?mark={mark}.").status for mark, (path, token) in calls.items()}


def _mark(what: str) -> str:
    return re.sub(r"\W", "_", what)


@pytest.mark.parametrize("mark", ["good_orders", "good_anybody", "good_rest"])
def test_customer_and_user_of_a_good_key_arrive(as_shown: Site, statuses: dict[str, int], mark: str) -> None:
    assert statuses[mark] == 200
    event = as_shown.event(f"mark={mark}.")
    assert (event["company_id"], event["user_id"]) == (CUSTOMER, USER)


def test_a_key_that_lacks_a_scope_is_named_though_it_is_refused(
    as_shown: Site, statuses: dict[str, int]
) -> None:
    event = as_shown.event("mark=scope.")
    assert (statuses["scope"], event["response"]["status"], event["company_id"]) == (403, 403, CUSTOMER)


@pytest.mark.parametrize("what", [*BAD, *HOSTILE, "revoked"])
def test_a_bad_token_names_nobody_and_harms_nothing(
    as_shown: Site, statuses: dict[str, int], what: str
) -> None:
    assert statuses[_mark(what)] == 200
    event = as_shown.event(f"mark={_mark(what)}.")
    assert event.get("company_id") is None
    assert event.get("user_id") is None


def test_a_call_without_a_key_is_an_event_of_nobody(as_shown: Site, statuses: dict[str, int]) -> None:
    event = as_shown.event("mark=missing.")
    assert (statuses["missing"], event["response"]["status"]) == (401, 401)
    assert (event.get("company_id"), event.get("user_id")) == (None, None)


def test_the_key_never_arrives_wherever_it_was_written(as_shown: Site, with_bodies: Site) -> None:
    for here, bodies in ((as_shown, False), (with_bodies, True)):
        token = here.issuer.token()
        form, text = f"key={token}".encode(), json.dumps({"deep": [{"key": f"Bearer {token}"}]}).encode()
        here.post(f"/anybody?mark=form.&key={token}", token, form, "application/x-www-form-urlencoded")
        coded = token.replace(".", "%2e")
        here.post(f"/anybody?mark=json.&key={coded}", token, text, "application/json", **{"X-Other": token})
        here.post("/orders?mark=orders.", token, text, "application/json", Cookie=f"key={token}")
        events = {mark: here.event(f"mark={mark}.") for mark in ("form", "json", "orders")}
        for part in token.split("."):
            assert not here.told(part[-40:])
        assert "[key]" in events["json"]["request"]["uri"]
        assert events["json"]["request"]["headers"]["x-other"] == "[key]"
        assert events["json"]["company_id"] == CUSTOMER
        body = events["json"]["request"].get("body")
        assert body == ({"deep": [{"key": "Bearer [key]"}]} if bodies else None)
        if bodies:
            assert base64.b64decode(events["form"]["request"]["body"]) == b"key=[key]"
        else:
            assert events["form"]["response"].get("body") is None


def test_cookies_and_sessions_stay_here(as_shown: Site) -> None:
    answer = as_shown.server.call(None, path="/sign-in?mark=in.")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    as_shown.server.call(None, path="/anybody?mark=session.", Cookie=cookie)
    event = as_shown.event("mark=session.")
    assert event.get("session_token") is None
    assert "set-cookie" not in as_shown.event("mark=in.")["response"]["headers"]
    assert not as_shown.told(cookie.partition("=")[2])


def test_left_alone_it_sends_the_key_and_believes_a_forged_one(bare: Site) -> None:
    """Why the settings are as they are; when this fails, moesifdjango has changed and they may be simpler."""
    forged = BAD["none"](bare.issuer)
    bare.server.call(forged, path="/anybody?mark=forged.")
    assert bare.event("mark=forged.")["user_id"] == USER
    assert bare.told(forged)


@pytest.mark.parametrize("trouble", [{"away": True}, {"refuses": True}], ids=["away", "refuses"])
def test_the_api_goes_on_without_moesif(issuer: Issuer, tmp_path: Path, trouble: dict[str, bool]) -> None:
    with site(issuer, tmp_path / "site", **trouble) as alone:
        for _ in range(2):
            assert alone.server.call(issuer.token(), path="/orders").json()["echo"] == ""
            assert alone.server.call(None, path="/orders").status == 401
        assert alone.server.log.read_text().count("moesif.") == 1
        assert alone.collector.events == []


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(recipe_named("moesif").folder)
    return importlib.import_module("latchkey_moesif")


def test_where_masking_fails_the_body_is_gone(module: Any) -> None:
    """moesifdjango sends the event then as it is."""
    deep: Any = TOKEN
    for _ in range(900):
        deep = [deep]
    for body, encoding in ((None, None), ("&&&", "base64"), (b"\xff", "base64"), (deep, "json"), (5, "json")):
        part = {"headers": {"a": TOKEN}, "body": body, "transfer_encoding": encoding}
        event = SimpleNamespace(
            request=SimpleNamespace(uri=TOKEN, **part), response=SimpleNamespace(**part), session_token="s", metadata=None
        )  # fmt: skip
        with suppress(ValueError, RecursionError):
            module.mask_event(event)
        assert "eyJ" not in repr(vars(event.request))
        assert event.session_token is None


TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2aXAifQ.c2ln-_"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Bearer {TOKEN}", "Bearer [key]"),
        (f"a={TOKEN}&b=1", "a=[key]&b=1"),
        (f"({TOKEN}, {TOKEN})", "([key], [key])"),
        (f"key_{TOKEN}!", "[key]!"),
        (TOKEN.replace(".", "%2E"), "[key]"),
        (TOKEN.rpartition(".")[0] + ".", "[key]"),
        ("https://api.test/v1.2.3/orders.eyJ", "https://api.test/v1.2.3/orders.eyJ"),
    ],
)
def test_what_looks_like_a_key_is_taken_out(module: Any, text: str, masked: str) -> None:
    assert module._masked({"a": [text]}) == {"a": [masked]}


@pytest.mark.parametrize("near", ["eyJ", "eyJ.", "eyJ-.-", "a.eyJ.", "%2E", "eyJ%2E "])
def test_masking_takes_linear_time(module: Any, near: str) -> None:
    """A megabyte that is nearly keys; in quadratic time this would not end within the test's time."""
    assert module._masked(near * 300_000)
