"""gateways/python in a Django site, as its README shows: sync views by WSGI."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.api_server import ApiServer, serving
from tests.gateways.api_suite import TTL_SECONDS, DjangoSuite
from tests.gateways.django_site import write_site
from tests.gateways.issuer import Issuer
from tests.gateways.upstream import Upstream


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path) -> Iterator[ApiServer]:
    issuer.status_ttl = TTL_SECONDS
    write_site(folder, issuer.values, "sync")
    with serving("wsgi", "served_by_wsgi:application", issuer, folder) as server:
        yield server


class TestDjango(DjangoSuite):
    pass
