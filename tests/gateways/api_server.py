"""API servers that verify keys themselves: granian with our package as it is installed from gateways/python."""

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from portal.core.recipes import FOLDER
from tests.gateways.gateway import Gateway, running
from tests.gateways.issuer import Issuer
from tests.real.portal import free_port

TOKENS = FOLDER.parent / "tokens"


class ApiServer(Gateway):
    """Has no API behind it: it answers ``{"customer": …}``."""

    def reached(self, token: str, **headers: str) -> dict[str, Any]:
        """What a proxy would have handed on."""
        answer = self.call(token, **headers)
        assert answer.status == 200, (answer.status, answer.body, self.log.read_text()[-3000:])
        return {"x-org-id": answer.json()["customer"]}


def build(folder: Path) -> Path:
    """Install gateways/python below ``folder`` as pip does, without its dependencies, and return where."""
    left_out = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    shutil.copytree(FOLDER / "python", folder / "source/gateways/python", ignore=left_out)
    shutil.copytree(TOKENS, folder / "source/tokens", ignore=left_out)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation",
            "--disable-pip-version-check", "--quiet", "--target", folder / "installed",
            folder / "source/gateways/python",
        ],
        check=True, timeout=120,
    )  # fmt: skip
    return folder / "installed"


@cache
def installed() -> Path:
    """Once a run."""
    folder = Path(tempfile.mkdtemp(prefix="latchkey-verifier-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder)


@contextmanager
def serving(interface: str, target: str, issuer: Issuer, folder: Path) -> Iterator[ApiServer]:
    """Serve ``module:application`` of that folder by ``wsgi`` or ``asgi``."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", target,
    ]  # fmt: skip
    environ = {"PYTHONPATH": f"{folder}:{installed()}", "SSL_CERT_FILE": str(issuer.ca_file)}
    with running(command, folder=folder, port=port, environ=environ) as gateway:
        yield ApiServer(**vars(gateway))
