"""A real Apache with a recipe's configuration, as conf-enabled/ has it."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.gateway import Gateway, configured, running
from tests.gateways.issuer import Issuer
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port
from tests.real.required import require

MODULES = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))
APACHE = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin") or shutil.which("httpd")
USUAL = ("mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http")


@contextmanager
def running_apache(
    recipe: str, issuer: Issuer, upstream: Upstream, folder: Path,
    *, modules: Sequence[str], package: str, replaced: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:  # fmt: skip
    """Run it in the foreground with the recipe's ``latchkey.conf``; whatever it writes goes into ``folder``."""
    require(APACHE, "Apache is not installed: apt install apache2")
    paths = {name: _path(name) for name in (*USUAL, *modules)}
    require(all(paths.values()), f"Apache has no {', '.join(modules)}: apt install {package}")
    port = free_port()
    # Its workers are somebody else, who can't read pytest's folders.
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o755)
        ca_file = Path(shutil.copy(issuer.ca_file, shared))
        ca_file.chmod(0o644)
        configured(
            recipe, folder, issuer.values, upstream=upstream.address, ca_file=ca_file, port=port,
            replaced=replaced,
        )  # fmt: skip
        lines = [
            *(f"LoadModule {name}_module {path}" for name, path in paths.items()),
            *(["User www-data", "Group www-data"] if os.geteuid() == 0 else []),
            f"ServerName localhost\nServerRoot {folder}\nDefaultRuntimeDir {shared}\nPidFile {folder}/apache.pid",
            "ErrorLog /dev/stderr\nLogLevel warn",
            "StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nMinSpareThreads 1",
            f"Include {folder}/latchkey.conf",
        ]
        (folder / "httpd.conf").write_text("\n".join(lines) + "\n")
        command = [str(APACHE), "-D", "FOREGROUND", "-f", folder / "httpd.conf"]
        with running(command, folder=folder, port=port) as gateway:
            yield gateway


def _path(module: str) -> Path | None:
    return next((path for folder in MODULES if (path := folder / f"mod_{module}.so").exists()), None)
