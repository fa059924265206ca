"""gateways/caddy with the real Caddy, which asks a real portal."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateways.asked import Asked, Elsewhere
from tests.gateways.asking_suite import AskingSuite
from tests.gateways.gateway import Gateway, configured, running
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port
from tests.real.required import require


@contextmanager
def start(asked: Asked | Elsewhere, upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    caddy = shutil.which("caddy")
    require(caddy, "Caddy is not installed")
    port = free_port()
    configured(
        "caddy", folder, asked.values, upstream=upstream.address, ca_file=asked.ca_file, port=port,
        replaced={"http://:8000": f"http://:{port}"},
    )  # fmt: skip
    with running([str(caddy), "run", "--config", "Caddyfile"], folder=folder, port=port) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def issuer(asked: Asked) -> Asked:
    return asked


class TestCaddy(AskingSuite):
    pass
