"""A PostgreSQL database that is away, as while its server restarts."""

from urllib.parse import urlsplit

import psycopg


class Outage:
    """While open, the server refuses and ends every connection to one PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self._name = urlsplit(url).path.strip("/")
        self._server = psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True)

    def __enter__(self) -> None:
        self._allow("false")
        ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self._server.execute(ask, [self._name])

    def __exit__(self, *_: object) -> None:
        self._allow("true")
        self._server.close()

    def _allow(self, allowed: str) -> None:
        self._server.execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {allowed}".encode())
