"""The folder's tests share one portal, the ``portal`` of tests/conftest.py."""

import pytest

from tests.real.portal import Owner, Portal


@pytest.fixture
def owner(portal: Portal) -> Owner:
    """A customer of its own for each test."""
    return portal.add_owner()
