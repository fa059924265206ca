"""gateways/fast-jwt with the real library."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.gateways.api_server import ApiServer
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import LibrarySuite
from tests.gateways.node import serving_node
from tests.gateways.upstream import Upstream


def start(issuer: Issuer, upstream: Upstream, folder: Path) -> AbstractContextManager[ApiServer]:
    return serving_node("fast-jwt", issuer, folder)


class TestFastJwt(LibrarySuite):
    pass
