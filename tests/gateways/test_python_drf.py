"""gateways/python in Django REST framework, as its README shows."""

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
    write_site(folder, issuer.values, "drf")
    with serving("wsgi", "served_by_wsgi:application", issuer, folder) as server:
        yield server


class TestDrf(DjangoSuite):
    pass
