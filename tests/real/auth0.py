"""A portal whose keys are Auth0's, with its tenant, and the steps that tests share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.auth0.process import Auth0Process
from tests.real.database import fresh_database
from tests.real.portal import SCOPES, STAFF_EMAIL, STAFF_PASSWORD, Owner, Portal
from tests.real.waiting import eventually

FURTHER = " operations:write provision:write plugins:read"


@contextmanager
def auth0_portal(folder: Path, **settings: str) -> Iterator[tuple[Portal, Auth0Process]]:
    with Auth0Process(folder) as tenant, fresh_database(folder) as url:
        tenant.add_strangers(50)
        portal = Portal(
            folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD,
            PLUGIN_APIM_PROVIDER="auth0-m2m", **tenant.settings, **settings,
        )  # fmt: skip
        try:
            portal.start()
            made = portal.manage("create_access_token", "--email", STAFF_EMAIL, "--scopes", SCOPES + FURTHER)
            portal.__dict__["token"] = made.stdout.strip()
            yield portal, tenant
        finally:
            portal.clean_up()


def issue(portal: Portal, owner: Owner, **members: Any) -> dict[str, Any]:
    """A key with its secret."""
    answer = portal.api("POST", "/keys", {**owner.body, "name": "test", **members}, prefer="wait=25")
    assert answer.status == 201, answer.body
    return dict(answer.json())


def ask(portal: Portal, owner: Owner, **members: Any) -> dict[str, Any]:
    """A key that is waited for by nobody."""
    answer = portal.api("POST", "/keys", {**owner.body, "name": "test", **members}, prefer="wait=0")
    assert answer.status == 202, answer.body
    return dict(answer.json())


def key_of(portal: Portal, asked: dict[str, Any]) -> dict[str, Any]:
    return dict(portal.api("GET", f"/keys/{asked['id']}").json())


def becomes(portal: Portal, asked: dict[str, Any], status: str, *, seconds: float = 40) -> dict[str, Any]:
    """Wait until the key has that status; returns it."""
    eventually(lambda: key_of(portal, asked)["status"] == status, f"the key is {status}", seconds=seconds)
    return key_of(portal, asked)


def operation_of(portal: Portal, asked: dict[str, Any], kind: str = "revoke_key") -> dict[str, Any]:
    """The operation of that kind about a key."""
    listed = portal.api("GET", "/operations?limit=200").json()["results"]
    (found,) = [one for one in listed if one["key"] == asked["id"] and one["kind"] == kind]
    return dict(found)
