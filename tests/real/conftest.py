"""One portal for the folder: started once, as a user starts it."""

from collections.abc import Iterator

import pytest

from tests.real.database import fresh_database
from tests.real.portal import STAFF_PASSWORD, Owner, Portal


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    with fresh_database(folder) as url:
        portal = Portal(folder, DATABASE_URL=url, LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD)
        try:
            yield portal.start()
            assert portal.stop() == 0, portal.log[-3000:]
        finally:
            portal.clean_up()


@pytest.fixture
def owner(portal: Portal) -> Owner:
    """A customer of its own for each test."""
    return portal.add_owner()
