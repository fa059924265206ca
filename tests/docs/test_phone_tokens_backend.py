"""The backend of docs/phone-tokens.md does what the page says, beside a portal and a verification service."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from tests.docs.pages import block
from tests.docs.phone_portal import API_KEY, CUSTOMER_ID, phone_portal, token_with
from tests.fakes.verification import VERIFIED, VerificationService
from tests.gateways.gateway import running
from tests.real.http_calls import Answer, request
from tests.real.portal import Portal, free_port

pytestmark = pytest.mark.once
SESSION_KEY = "a session key of the example"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with phone_portal(tmp_path_factory.mktemp("bearer"), TOKEN_SERVICE_AUTH="bearer") as portal:
        yield portal


@pytest.fixture(scope="module")
def service() -> Iterator[VerificationService]:
    with VerificationService(CUSTOMER_ID, API_KEY).serving() as service:
        yield service


@pytest.fixture(scope="module")
def backend(
    portal: Portal, service: VerificationService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Its origin."""
    folder, port = tmp_path_factory.mktemp("backend"), free_port()
    (folder / "verify.py").write_text(block("docs/phone-tokens.md", "python", "def settle"))
    environ = {
        "PORTAL": portal.url, "PORTAL_TOKEN": token_with(portal, "tokens:read tokens:write"),
        "CUSTOMER_ID": CUSTOMER_ID, "API_KEY": API_KEY, "SESSION_KEY": SESSION_KEY,
        "STATUS_URL": service.status_url, "VERIFIED_CODES": str(VERIFIED),
        "DATABASE": str(folder / "backend.sqlite3"), "PYTHONWARNINGS": "error",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "verify", "run", "--port", str(port)]
    with running(command, folder=folder, port=port, environ=environ) as process:
        yield f"http://127.0.0.1:{port}"
        assert "Traceback" not in Path(process.log).read_text()


def ask(backend: str, path: str, person: str = "ada") -> Answer:
    """As the app of somebody who is signed in."""
    app = Flask("example")
    app.secret_key = SESSION_KEY
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return request(f"{backend}{path}", headers={"Cookie": f"session={signer.dumps({'person': person})}"})


def begin(backend: str, service: VerificationService, number: str) -> str:
    """The app fetches a token, the SDK begins with it; returns the xid."""
    answer = ask(backend, f"/token/{number}")
    assert answer.status == 200, answer.body
    xid = service.begin(answer.body.decode(), number)
    assert answer.headers["X-Transaction-Id"] == xid
    return xid


def verified(backend: str, xid: str) -> str | None:
    answer = ask(backend, f"/verified/{xid}")
    assert answer.status == 200, answer.body
    number: str | None = answer.json()["phone_number"]
    return number


def test_a_callback_by_xid_settles_a_transaction(backend: str, service: VerificationService) -> None:
    xid = begin(backend, service, "15555550101")
    assert service.call_back(f"{backend}/callback", external_id=xid).status == 204
    assert verified(backend, xid) is None  # the callback says that something happened, Get Status says what
    service.finish(xid)
    assert service.call_back(f"{backend}/callback", external_id=xid).status == 204
    asked = len(service.asked)
    assert verified(backend, xid) == "+15555550101"
    assert len(service.asked) == asked  # the callback had settled it


def test_a_callback_by_number_settles_it_too(backend: str, service: VerificationService) -> None:
    xid = begin(backend, service, "15555550102")
    other = begin(backend, service, "15555550102")
    service.finish(xid)
    assert service.call_back(f"{backend}/callback", phone_number="+15555550102").status == 204
    asked = len(service.asked)
    assert verified(backend, xid) == "+15555550102"
    assert len(service.asked) == asked  # the callback had settled it
    assert verified(backend, other) is None


def test_polling_get_status_is_enough(backend: str, service: VerificationService) -> None:
    xid = begin(backend, service, "+15555550103")
    assert verified(backend, xid) is None
    service.finish(xid)
    assert verified(backend, xid) == "+15555550103"


def test_callbacks_of_anybody_else_change_and_ask_nothing(backend: str, service: VerificationService) -> None:
    xid = begin(backend, service, "15555550104")
    service.finish(xid)
    asked = len(service.asked)
    assert service.call_back(f"{backend}/callback", signed=False, external_id=xid).status == 401
    assert service.call_back(f"{backend}/callback", external_id="of-another-app").status == 204
    assert len(service.asked) == asked


def test_nobody_claims_the_transaction_of_another(backend: str, service: VerificationService) -> None:
    xid = begin(backend, service, "15555550105")
    service.finish(xid)
    assert ask(backend, f"/verified/{xid}", person="bob").status == 404
    assert ask(backend, "/verified/unknown").status == 404
    assert request(f"{backend}/token/15555550105").status == 401


def test_refusals_reach_the_app(backend: str) -> None:
    assert ask(backend, "/token/123").json()["code"] == "bad_phone_number"
    answers = [ask(backend, "/token/15555550106") for _ in range(6)]
    assert (answers[5].status, answers[5].json()["code"]) == (429, "too_many_for_number")
    assert int(answers[5].headers["Retry-After"]) <= 60


def test_a_verification_is_one_look_at_a_number(
    backend: str, service: VerificationService, portal: Portal
) -> None:
    xid = begin(backend, service, "15555550107")
    before = _looks(portal)
    verified(backend, xid)
    service.finish(xid)
    assert {verified(backend, xid) for _ in range(3)} == {"+15555550107"}
    assert _looks(portal) == before + 1


def _looks(portal: Portal) -> int:
    events = portal.api("GET", "/events?limit=200").json()["results"]
    return sum(event["action"] == "phone_numbers.shown" for event in events)


def test_only_the_backend_gets_tokens(portal: Portal) -> None:
    assert portal.get("/v1/token/15555550108").status == 401
    assert portal.get("/v1/token/15555550108", authorization=f"Bearer {portal.token}").status == 403
