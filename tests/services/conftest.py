"""Fixtures of the services' tests."""

from collections.abc import Iterator

import pytest

from portal.core.plugins import registry, set_registry
from provisioning.registry import Registry
from tests.jobs.listing import Listing


@pytest.fixture
def remote() -> Iterator[Listing]:
    """A remote plugin, enabled beside the JWT plugin."""
    before, plugin = registry(), Listing()
    set_registry(Registry([*before, plugin]))  # type: ignore[list-item]  # made of instances' attributes
    yield plugin
    set_registry(before)
