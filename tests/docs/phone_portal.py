"""A portal whose phone-token service is on, as its user starts it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.portal import STAFF_EMAIL, STAFF_PASSWORD, Portal

CUSTOMER_ID = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
API_KEY = base64.b64encode(b"a key that no service knows, of 41 bytes.").decode()


@contextmanager
def phone_portal(folder: Path, **settings: str) -> Iterator[Portal]:
    """On SQLite in ``folder``; ``settings`` are further environment variables."""
    portal = Portal(
        folder, DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}",
        LATCHKEY_STAFF_PASSWORD=STAFF_PASSWORD,
        TOKEN_SERVICE_ISSUER=CUSTOMER_ID, TOKEN_SERVICE_KEY=API_KEY, **settings,
    )  # fmt: skip
    try:
        yield portal.start()
    finally:
        portal.clean_up()


def token_with(portal: Portal, scopes: str) -> str:
    """A management token of the staff account."""
    made = portal.manage("create_access_token", "--email", STAFF_EMAIL, "--scopes", scopes)
    return made.stdout.strip()
