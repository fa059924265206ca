"""The test database as another process may open it."""

import os
from urllib.parse import urlsplit

from django.db import connection


def url_of_test_database() -> str:
    """Its ``DATABASE_URL``."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["TEST_DATABASE_URL"])._replace(path=f"/{name}").geturl()
