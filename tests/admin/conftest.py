"""A staff member's browser without JavaScript."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.plugins import registry, set_registry
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_inline, run_operation
from portal.models import IssuedKey, Membership, User
from portal.services.keys.request import request_key
from provisioning.registry import Registry
from provisioning.secret import Secret
from tests.factories import UserFactory
from tests.oauth import auth0_enabled
from tests.provisioning.acme import ADMIN_TOKEN, AcmePlugin, AcmeProvider

PASSWORD = "correct horse battery"


class Admin:
    """Calls pages under the admin as one member of staff."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        answer = self.client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        self.client.get("/settings/notifications")  # a session's first page notes it, for five minutes

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/admin/{path}", query)

    def post(self, path: str, **values: Any) -> Any:
        return self.client.post(f"/admin/{path}", values)

    def act(self, model: str, found: Any, action: str, **values: Any) -> Any:
        """Press an action's button on the object's page and confirm; follows to the page after."""
        path = f"/admin/portal/{model}/{found.pk}/act/{action}/"
        return self.client.post(path, {"confirmed": action, **values}, follow=True)

    def choose(self, model: str, action: str, *objects: Any, confirmed: bool = False, **values: Any) -> Any:
        """Choose an action for rows of a list; with ``confirmed``, submit the page between too."""
        rows = {"action": action, "_selected_action": [found.pk for found in objects]}
        sent = {**rows, "confirmed": action, **values} if confirmed else {**rows, "index": "0"}
        return self.client.post(f"/admin/portal/{model}/", sent, follow=confirmed)


@pytest.fixture
def admin(staff: User) -> Admin:
    """A superuser's browser."""
    return Admin(staff)


@pytest.fixture
def staff_with() -> Callable[..., Admin]:
    """The browser of a member of staff with just these permissions."""

    def staff_with(*codenames: str) -> Admin:
        user = UserFactory(is_staff=True)
        found = Permission.objects.filter(content_type__app_label="portal", codename__in=codenames)
        assert found.count() == len(codenames)
        user.user_permissions.set(found)
        return Admin(user)

    return staff_with


@pytest.fixture
def issued(owner: Membership) -> IssuedKey:
    """An active key of ``owner`` whose secret nobody has seen."""
    return make_key(owner)


def make_key(owner: Membership, name: str = "test") -> IssuedKey:
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name=name)
    run_inline(operation)
    return IssuedKey.objects.get(pk=operation.key_id)


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[AcmeProvider]:
    """A provider over the network, beside the local plugin; its operations are left to a worker."""
    before, provider = registry(), AcmeProvider()
    monkeypatch.setattr(AcmePlugin, "provider", provider)
    set_registry(Registry([*before, AcmePlugin(Secret(ADMIN_TOKEN))]))
    yield provider
    set_registry(before)


@pytest.fixture
def auth0(db: None) -> Iterator[None]:
    """A plugin whose keys are OAuth clients, with nobody at the other end."""
    with auth0_enabled():
        yield


def work() -> None:
    """What a worker does with the oldest operation that is due."""
    operation = claim_operation()
    assert operation is not None
    run_operation(operation)


def text_of(response: Any) -> str:
    """The page's words, without tags and doubled blanks."""
    bare = re.sub(r"<[^>]*>", " ", response.content.decode())
    return " ".join(bare.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").split())
