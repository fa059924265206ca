"""The folder's tests share one portal, the ``portal`` of tests/conftest.py."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.real.browser import Watched, chromium
from tests.real.portal import Owner, Portal


@pytest.fixture
def owner(portal: Portal) -> Owner:
    """A customer of its own for each test."""
    return portal.add_owner()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """Opens pages in sessions of their own; fails in the end for what the CSP or a script complained of."""
    watched = Watched(browser)
    yield watched
    watched.close()


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.open()
