"""gateways/pyjwt with the real library."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.gateways.api_server import ApiServer
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import LibrarySuite
from tests.gateways.python_server import serving_python
from tests.gateways.upstream import Upstream


def start(issuer: Issuer, upstream: Upstream, folder: Path) -> AbstractContextManager[ApiServer]:
    return serving_python("pyjwt", issuer, folder)


class TestPyjwt(LibrarySuite):
    # It takes an exp in quotes for a number; the portal writes none.
    refused_without = tuple(
        changed for changed in LibrarySuite.refused_without if changed != {"exp": "4000000000"}
    )
