"""gateways/python/examples/flask_app.py, installed and served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.api_server import ApiServer, serving
from tests.gateways.api_suite import TTL_SECONDS, ApiSuite
from tests.gateways.gateway import configured
from tests.gateways.issuer import Issuer
from tests.gateways.upstream import Upstream


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path) -> Iterator[ApiServer]:
    issuer.status_ttl = TTL_SECONDS
    configured("flask", folder, issuer.values, upstream="", ca_file=issuer.ca_file, port=0)
    with serving("wsgi", "flask_app:app", issuer, folder / "examples") as server:
        yield server


class TestFlask(ApiSuite):
    pass
