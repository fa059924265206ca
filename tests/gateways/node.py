"""A recipe's server.mjs in Node, with the libraries of tests/node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.api_server import ApiServer
from tests.gateways.issuer import Issuer
from tests.gateways.library_suite import serving_recipe
from tests.real.required import NODE, require_node


@contextmanager
def serving_node(name: str, issuer: Issuer, folder: Path) -> Iterator[ApiServer]:
    require_node()
    (folder / "node_modules").symlink_to(NODE / "node_modules")
    with serving_recipe(
        name, issuer, folder, command=["node", "server.mjs"], port_line='listen(8000, "127.0.0.1")',
        environ={"NODE_EXTRA_CA_CERTS": str(issuer.ca_file)},
    ) as server:  # fmt: skip
        yield server
