import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.models import AuditEvent, IssuedKey, Membership, Operation
from portal.services.audit import broken_entries
from portal.services.customers import update_customer
from tests.jobs.listing import Listing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("plugin", ["remote", "jwt"])
def test_suspending_a_customer_with_a_thousand_keys_takes_a_bounded_number_of_queries(
    remote: Listing, owner: Membership, plugin: str
) -> None:
    IssuedKey.objects.bulk_create(
        IssuedKey(
            customer=owner.customer, user=owner.user, name="k", plugin=plugin, status="active",
            activated_at=now(), external_id=f"cred-{n}", fingerprint=f"{n}", sealed_secret="sealed",
        )
        for n in range(1000)
    )  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as asked:
        update_customer(SYSTEM, owner.customer_id, {"status": "suspended"})
    assert len(asked) < 100
    ended = IssuedKey.objects.filter(status="revoking" if plugin == "remote" else "revoked", sealed_secret="")
    assert ended.count() == 1000
    assert Operation.objects.filter(kind="revoke_key").count() == (1000 if plugin == "remote" else 0)
    assert AuditEvent.objects.filter(action__startswith="key.revok").count() == 1000
    assert not list(broken_entries())
