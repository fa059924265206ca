"""Fixtures of the jobs' tests: the plugin of ``listing.py`` and a key that waits for a worker."""

import pytest

from portal.core.actor import SYSTEM
from portal.models import Membership, Operation
from portal.services.keys.request import request_key
from tests.conftest import Clock
from tests.jobs.listing import Listing, provider  # noqa: F401  # a fixture


@pytest.fixture
def queued(provider: Listing, owner: Membership, clock: Clock) -> Operation:  # noqa: F811
    return request_key(SYSTEM, owner.customer_id, user=owner.user, name="remote")
