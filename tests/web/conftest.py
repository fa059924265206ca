"""Browsers: signed-in test clients of a customer's people."""

from collections.abc import Callable

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.jobs.run import run_inline
from portal.models import IssuedKey, Membership, User
from portal.services.keys.request import request_key

PASSWORD = "correct horse battery"


def sign_in(user: User) -> Client:
    """A browser in which the user signed in just now, through the sign-in page."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def age_sign_in(client: Client, seconds: int = 3600) -> None:
    """Make the browser's sign-in that much older."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()


@pytest.fixture
def browser(owner: Membership) -> Client:
    """The browser of ``owner``."""
    return sign_in(owner.user)


@pytest.fixture
def make_key(owner: Membership) -> Callable[..., IssuedKey]:
    """Issue a key for ``owner`` whose secret nobody has seen."""

    def make_key(name: str = "test") -> IssuedKey:
        operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name=name)
        run_inline(operation)
        return IssuedKey.objects.get(pk=operation.key_id)

    return make_key
