"""gateways/joserfc with the real library."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.gateways.api_server import ApiServer
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import LibrarySuite
from tests.gateways.python_server import serving_python
from tests.gateways.upstream import Upstream


def start(issuer: Issuer, upstream: Upstream, folder: Path) -> AbstractContextManager[ApiServer]:
    return serving_python("joserfc", issuer, folder)


class TestJoserfc(LibrarySuite):
    pass
