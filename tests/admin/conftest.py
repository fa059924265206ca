"""A staff member's browser without JavaScript."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.core.actor import SYSTEM
from portal.jobs.run import run_inline
from portal.models import IssuedKey, Membership, User
from portal.services.keys.request import request_key
from tests.factories import UserFactory

PASSWORD = "correct horse battery"


class Admin:
    """Calls pages under the admin as one member of staff."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        answer = self.client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content

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


def text_of(response: Any) -> str:
    """The page's words, without tags and doubled blanks."""
    bare = re.sub(r"<[^>]*>", " ", response.content.decode())
    return " ".join(bare.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").split())
