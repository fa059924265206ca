"""A real nginx with a recipe's configuration in its http block, as conf.d/ has it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.gateway import Gateway, running
from tests.real.required import require

MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/etc/nginx/modules"))
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def require_nginx(*modules: str) -> None:
    """nginx itself and dynamic modules of it, by package and file: ``libnginx-mod-http-js``."""
    require(NGINX, "nginx is not installed")
    for module in modules:
        require(_file_of(module), f"nginx has no {module}")


def _file_of(module: str) -> Path | None:
    return next((folder / module for folder in MODULES if (folder / module).exists()), None)


@contextmanager
def running_nginx(folder: Path, config: str, *, modules: Sequence[str], port: int) -> Iterator[Gateway]:
    """Run it in the foreground with ``folder/config``; whatever it writes goes into ``folder``."""
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = [
        *(f"load_module {_file_of(module)};" for module in modules),
        # Its workers read pytest's folders, which are for their owner alone.
        "user root;" if os.geteuid() == 0 else "",
        f"daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log stderr warn;",
        "events { worker_connections 256; }",
        f"http {{\n    access_log off;\n{temporary}    include {folder}/{config};\n}}",
    ]
    (folder / "nginx.conf").write_text("\n".join(lines) + "\n")
    command = [str(NGINX), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]
    with running(command, folder=folder, port=port) as gateway:
        yield gateway
