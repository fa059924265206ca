"""Fixtures for all tests: a prepared database, a settable clock, callers of the API, a portal as a process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.clock import set_clock
from portal.core.scopes import SCOPES
from portal.models import Customer, IssuedKey, Membership, SigningKey, User
from portal.services.access_tokens import create_access_token
from portal.services.plans import ensure_default_plan
from portal.services.signing_keys.sync import sync_signing_keys
from tests.factories import MembershipFactory, UserFactory
from tests.real.database import fresh_database
from tests.real.portal import STAFF_PASSWORD, Portal

HERE = Path(__file__).parent
# Folders and files: libraries, browsers and start-up meet no database, or one is as good as another.
WHATEVER_THE_DATABASE = {
    HERE / folder / (f"test_{name}.py" if name else "")
    for folder, names in {
        "access": "", "gateways": "", "tokens": "",
        "real": "account_story auth0_canary browser_story demo_command every_page hostile_requests keyboard"
        " live_progress logs_and_metrics new_user_story oidc_rules oidc_sign_in passkeys plans_story published run_command"
        " second_factor_story team_story verifiers without_javascript",
        "web": "access accounts_pages allauth_internals branding charts docs errors german maintenance"
        " preferences quickstarts words",
    }.items()
    for name in names.split() or [""]
}  # fmt: skip
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs once, so that no file has to."""
    for item in items:
        if not WHATEVER_THE_DATABASE.isdisjoint((item.path, *item.path.parents)):
            item.add_marker(pytest.mark.once)


def prepare_database() -> None:
    """What ``manage.py prepare`` does beyond migrating."""
    ensure_default_plan()
    if not SigningKey.objects.exists():
        sync_signing_keys()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)
        prepare_database()


@pytest.fixture(autouse=True)
def signing_keys(request: pytest.FixtureRequest) -> None:
    """A database that was flushed by a transactional test is prepared again."""
    if DATABASE_FIXTURES & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
        prepare_database()


@dataclass
class Clock:
    """The portal's clock, standing still until moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    set_clock(clock)
    yield clock
    set_clock(None)


class Api:
    """Calls ``/api/v1`` with a management token."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self._client = Client(raise_request_exception=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send ``body`` as JSON; header names with underscores (``idempotency_key="a"``)."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.raw(method, path, data, "application/json", **headers)

    def raw(self, method: str, path: str, data: bytes, content_type: str, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        return self._client.generic(method, f"/api/v1{path}", data, content_type, headers=sent)

    def form(self, path: str, **members: str) -> Any:
        from urllib.parse import urlencode

        return self.raw("POST", path, urlencode(members).encode(), "application/x-www-form-urlencoded")

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, {} if body is None else body, **headers)


def token_for(user: User, scopes: str | None = None, customer: Customer | None = None) -> str:
    """A management token of that user."""
    wanted = scopes.split() if scopes else [s for s in SCOPES if customer is None or ok_when_bound(s)]
    return create_access_token(SYSTEM, owner=user, scopes=wanted, customer=customer)[1].reveal()


def ok_when_bound(scope: str) -> bool:
    from portal.core.scopes import BOUND_SCOPES

    return scope in BOUND_SCOPES


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def api(staff: User) -> Api:
    """A caller with a staff-wide token that holds every scope."""
    return Api(token_for(staff))


@pytest.fixture
def owner(db: None) -> Membership:
    """An owner and, through it, their customer and user."""
    return MembershipFactory()


@pytest.fixture
def bound_api(owner: Membership) -> Api:
    """A caller whose token is bound to the customer of ``owner``."""
    return Api(token_for(owner.user, customer=owner.customer))


@pytest.fixture
def issue(api: Api, owner: Membership) -> Callable[..., dict[str, Any]]:
    """Issue a key for ``owner`` over the API; returns the answer, secret included."""

    def issue(**members: Any) -> dict[str, Any]:
        body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "test", **members}
        answer = api.post("/keys", body)
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    return issue


def key_of(answer: dict[str, Any]) -> IssuedKey:
    return IssuedKey.objects.get(public_id=answer["id"])


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal as a user starts it, for tests/real and tests/gateways: started once, when first asked for."""
    folder = tmp_path_factory.mktemp("portal")
    with fresh_database(folder) as url:
        portal = Portal(folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        try:
            yield portal.start()
            assert portal.stop() == 0, portal.log[-3000:]
        finally:
            portal.clean_up()
