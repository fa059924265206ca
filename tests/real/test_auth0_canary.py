"""No client secret of Auth0's stands anywhere but in the one answer that reveals it, whatever goes wrong."""

import base64
import sqlite3
import time
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from tests.fakes.auth0.process import ALL, TEN_SCOPES, Auth0Process
from tests.real.auth0 import ask, auth0_portal, becomes, issue, key_of
from tests.real.portal import STAFF_PASSWORD, Owner, Portal
from tests.real.sign_in import reader
from tests.real.waiting import eventually

FAULTS: dict[str, dict[str, object]] = {
    "late": {"slow": 0.5, "late_most_seconds": 1},
    "dropped": {"drop_before": 0.3, "drop_after": 0.3},
    "broken": {"unavailable": 0.3, "broken": 0.3},
    "limited": {"too_many": 0.5, "storm_seconds": 1},
    "odd": {"odd": 1},
}
"""Name → the tenant's faults; all of its calls meet them."""
PAGES = ("issuedkey", "operation", "auditevent", "customer", "pluginstate", "user")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Auth0Process]]:
    folder = tmp_path_factory.mktemp("canary")
    settings = {"LOG_LEVEL": "debug", "EMAIL_URL": "consolemail://"}
    with auth0_portal(folder, **settings) as both:
        yield both


@pytest.mark.timeout(240)
def test_no_secret_stands_anywhere(both: tuple[Portal, Auth0Process]) -> None:
    portal, tenant = both
    shown = [str(issue(portal, portal.add_owner())["secret"]["client_secret"])]
    asked = [ask_under(portal, tenant, portal.add_owner(), name) for name in FAULTS]
    tenant.set_faults()
    for one in asked:
        becomes(portal, one, "active", seconds=100)
    stray(portal, tenant, portal.add_owner())
    shown.append(revealed(portal, asked[0]))
    portal.api("POST", f"/keys/{asked[0]['id']}/rotate", {"overlap": "0s"}, prefer="wait=20")
    portal.api("POST", f"/keys/{asked[1]['id']}/revoke", {"reason": "canary"})
    becomes(portal, asked[1], "revoked", seconds=60)
    portal.manage("reconcile", check=False)
    secrets = tenant.secrets()
    assert set(shown) <= set(secrets)
    assert len(secrets) > 10
    places = {"log": portal.log, **database(portal.environ["DATABASE_URL"]), **pages(portal), **api(portal)}
    assert "canary" in places["GET /events"] or "canary" in places["portal_issuedkey"]
    for name, text in places.items():
        for secret in secrets:
            for form in forms(secret):
                if form in text:
                    pytest.fail(f"a secret stands in {name}", pytrace=False)


def ask_under(portal: Portal, tenant: Auth0Process, owner: Owner, name: str) -> dict[str, object]:
    """A key asked for while the tenant does ``FAULTS[name]``; for a few calls at least."""
    before = tenant.counts().get("requests", 0)
    tenant.set_faults(seed=len(name), **FAULTS[name])
    asked = ask(portal, owner, name=name)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and tenant.counts().get("requests", 0) < before + 4:
        time.sleep(0.1)
    return asked


def stray(portal: Portal, tenant: Auth0Process, owner: Owner) -> None:
    """With ten permissions alone: an operation that waits for a person, its secret lost."""
    tenant.set_scopes(*TEN_SCOPES)
    tenant.revoke_tokens()
    before = len(tenant.truth().alive["clients"])
    tenant.set_faults(drop_after=1, only="/api/v2/clients")
    asked = ask(portal, owner, name="stray")
    eventually(lambda: len(tenant.truth().alive["clients"]) > before, "it is there", seconds=60)
    tenant.set_faults()
    becomes(portal, asked, "needs_attention", seconds=60)
    tenant.set_scopes(*ALL)
    tenant.revoke_tokens()


def revealed(portal: Portal, asked: dict[str, object]) -> str:
    answer = portal.api("POST", f"/keys/{asked['id']}/reveal")
    assert answer.status == 200, (answer.body, key_of(portal, asked))
    return str(answer.json()["secret"]["client_secret"])


def forms(secret: str) -> set[str]:
    """The secret as it is and in the disguises that encodings give it."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"x" * pad + raw).decode()[4 : -4 or None] for pad in (0, 1, 2)]
    encoded = [text.translate(str.maketrans("+/", "-_")) for text in shifted]
    return {secret, quote(secret, safe=""), raw.hex(), *shifted, *encoded}


def database(url: str) -> dict[str, str]:
    """Every table as text."""
    if url.startswith("postgres"):
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            names = [row[0] for row in found]
            return {n: str(connection.execute(f'SELECT * FROM "{n}"'.encode()).fetchall()) for n in names}
    with sqlite3.connect(urlsplit(url).path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {n: str(connection.execute(f'SELECT * FROM "{n}"').fetchall()) for n in names}


def pages(portal: Portal) -> dict[str, str]:
    """Staff's lists, and each key's and operation's page."""
    get = reader(portal, STAFF_PASSWORD)
    paths = [f"/admin/portal/{page}/" for page in PAGES]
    paths += [
        f"/admin/portal/{page}/{n}/change/" for page in ("issuedkey", "operation") for n in (1, 2, 3, 7)
    ]
    answers = {path: get(path) for path in paths}
    assert {answer.status for answer in answers.values()} == {200}, answers
    return {path: answer.body.decode() for path, answer in answers.items()}


def api(portal: Portal) -> dict[str, str]:
    """What scripts can read."""
    paths = ("/keys", "/operations", "/events", "/customers", "/plugins")
    return {f"GET {path}": portal.api("GET", f"{path}?limit=200").body.decode() for path in paths}
