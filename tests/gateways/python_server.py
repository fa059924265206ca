"""A recipe's server.py, with the libraries of requirements-dev.txt."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.api_server import ApiServer
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import serving_recipe


@contextmanager
def serving_python(name: str, issuer: Issuer, folder: Path) -> Iterator[ApiServer]:
    with serving_recipe(
        name, issuer, folder, command=[sys.executable, "server.py"],
        port_line='make_server("127.0.0.1", 8000', environ={"SSL_CERT_FILE": str(issuer.ca_file)},
    ) as server:  # fmt: skip
        yield server
