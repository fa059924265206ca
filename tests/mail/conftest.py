"""A mail server that keeps what it took, and a row for each kind of notice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.jobs.run import run_inline
from portal.models import IssuedKey, Membership, Notice
from portal.services.actors import actor_of_user
from portal.services.invitations import invite
from portal.services.keys.request import request_key
from portal.services.telling import tell_customer, tell_of_key, tell_user
from tests.mail.server import BACKEND, Server

Kind = Notice.Kind
PERSONAL = {
    Kind.WELCOME: {},
    Kind.NEW_DEVICE: {"browser": "Firefox on Linux", "address": "192.0.2.7"},
}
OF_CUSTOMERS = {
    Kind.CUSTOMER_APPROVED: {},
    Kind.CUSTOMER_DECLINED: {"reason": "We know no such company."},
    Kind.PLAN_APPROVED: {"plan": "Growth", "reason": ""},
    Kind.PLAN_DECLINED: {"plan": "Growth", "reason": "Write to us first."},
}


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Iterator[type[Server]]:
    settings.EMAIL_BACKEND = BACKEND
    settings.PORTAL_NAME, settings.PORTAL_BASE_URL = "Acme APIs", "https://portal.acme.example"
    settings.PORTAL_SUPPORT_EMAIL = "help@acme.example"
    Server.reset()
    yield Server
    Server.reset()


@pytest.fixture
def key(owner: Membership) -> IssuedKey:
    """Issued, and its secret waits to be fetched."""
    lifetime = timedelta(days=20)
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="billing", expires_in=lifetime)
    run_inline(operation)
    Notice.objects.all().delete()
    return IssuedKey.objects.get(pk=operation.key_id)


def tell(kind: str, owner: Membership, key: IssuedKey) -> None:
    """Note that there is something of that kind to be told, and let it be true."""
    kind = Kind(kind)
    if kind in PERSONAL:
        tell_user(owner.user, kind, **PERSONAL[kind], **({"at": now()} if PERSONAL[kind] else {}))
    elif kind in OF_CUSTOMERS:
        tell_customer(owner.customer, kind, **OF_CUSTOMERS[kind])
    elif kind == Kind.INVITATION:
        invite(actor_of_user(owner.user), owner.customer_id, email="new@example.com", role="viewer")
    else:
        if kind == Kind.KEY_REVOKED:
            IssuedKey.objects.update(status="revoked", revoked_at=now(), revoke_reason="leaked")
        tell_of_key(key, kind)
