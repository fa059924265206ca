"""What customers are at plugins, and until when tokens of their keys work, over the API."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import Membership, Operation
from tests.conftest import Api, Clock
from tests.factories import MembershipFactory
from tests.oauth import auth0_enabled, oauth_key, provisioned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def auth0(db: None) -> Iterator[None]:
    with auth0_enabled():
        yield


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_customer_tells_what_it_is_at_plugins_and_nothing_of_its_people(
    api: Api, owner: Membership
) -> None:
    path = f"/customers/{owner.customer.public_id}"
    assert api.get(path).json()["accounts"] == []
    provisioned(owner, organization="org_1")
    expected = [{"plugin": "auth0-m2m", "kind": "organization", "external_id": "org_1"}]
    assert api.get(path).json()["accounts"] == expected
    assert api("PATCH", path, {"name": "Acme"}).json()["accounts"] == expected
    assert [row["accounts"] for row in api.get("/customers").json()["results"]] == [expected]


def test_a_new_customer_has_none(api: Api) -> None:
    assert api.post("/customers", {"name": "Acme"}).json()["accounts"] == []


def test_customers_are_found_by_a_whole_account_id(api: Api, owner: Membership) -> None:
    provisioned(owner, organization="org_1")
    provisioned(MembershipFactory(), organization="org_12")
    assert ids(api.get("/customers?account=org_1")) == [owner.customer.public_id]
    assert ids(api.get(f"/customers?account=auth0|{owner.user.public_id}")) == [owner.customer.public_id]
    for other in ("org_", "ORG_1", "org_1%25"):
        assert ids(api.get(f"/customers?account={other}")) == []
    assert api.get("/customers?account=").status_code == 422


def test_nobody_finds_a_foreign_customer_by_its_account(bound_api: Api) -> None:
    provisioned(MembershipFactory(), organization="org_1")
    assert ids(bound_api.get("/customers?account=org_1")) == []


def test_many_customers_take_as_many_queries_as_few(api: Api) -> None:
    counted = []
    api.get("/customers")  # the token's last use is noted
    for number in (1, 5):
        for _ in range(number):
            membership = MembershipFactory()
            provisioned(membership, organization=f"org_{membership.pk}")
        with CaptureQueriesContext(connection) as queries:
            assert len(ids(api.get("/customers"))) >= number
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_key_says_until_when_its_tokens_work(api: Api, owner: Membership, clock: Clock) -> None:
    def valid_until(**fields: Any) -> datetime | None:
        key = oauth_key(owner, **fields)
        told = api.get(f"/keys/{key.public_id}").json()["tokens_valid_until"]
        return told and datetime.fromisoformat(told)

    ended = clock() - timedelta(hours=1)
    assert valid_until() is None
    assert valid_until(status="revoking") is None
    assert valid_until(status="revoked", revoked_at=ended) == ended + timedelta(hours=24)
    assert valid_until(status="revoked", revoked_at=ended, plugin="jwt") is None
    assert valid_until(status="revoked", revoked_at=ended, plugin="left") is None
    assert valid_until(status="expired", expires_at=ended) is None  # not removed yet


def test_tokens_of_an_expired_key_count_from_its_removal(api: Api, owner: Membership, clock: Clock) -> None:
    key = oauth_key(owner, status="expired", expires_at=clock() - timedelta(hours=9))
    Operation.objects.create(
        kind="revoke_key", plugin="auth0-m2m", customer=owner.customer, key=key, state="succeeded",
        finished_at=clock(),
    )  # fmt: skip
    told = api.get("/keys?status=expired").json()["results"][0]["tokens_valid_until"]
    assert datetime.fromisoformat(told) == clock() + timedelta(hours=24)


def test_the_lifetime_is_the_configured_one(api: Api, owner: Membership, clock: Clock) -> None:
    key = oauth_key(owner, status="revoked", revoked_at=clock())
    with auth0_enabled(PLUGIN_AUTH0_M2M_TOKEN_LIFETIME="10m"):
        told = api.get(f"/keys/{key.public_id}").json()["tokens_valid_until"]
    assert datetime.fromisoformat(told) == clock() + timedelta(minutes=10)
