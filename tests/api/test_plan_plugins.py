"""Which plugin a key is made with."""

from typing import Any

import pytest

from portal.core.plugins import registry, set_registry
from portal.models import Membership
from provisioning.registry import Registry
from tests.conftest import Api
from tests.factories import PlanFactory, SubscriptionFactory
from tests.jobs.test_engine import Remote

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_plugins() -> Any:
    before = registry()
    set_registry(Registry([before.get("jwt"), Remote()]))
    yield
    set_registry(before)


def test_the_first_of_the_plan_when_none_is_named(api: Api, owner: Membership, two_plugins: None) -> None:
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(plugins=["remote"]))
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x"}
    answer = api.post("/keys", body, prefer="wait=0")
    assert (answer.status_code, answer.json()["plugin"]) == (202, "remote")
    assert answer.headers["Location"].endswith(f"/api/v1/operations/{answer.json()['operation']}")
    refused = api.post("/keys", {**body, "plugin": "jwt"})
    assert refused.json()["errors"] == {"plugin": ["not on this customer's plan; it has: remote"]}
