"""The proxies of deploy/ as processes: their files, with a test's addresses and certificate in them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests.docs.sources import ROOT
from tests.gateways.gateway import Gateway, running
from tests.gateways.nginx import require_nginx, running_nginx
from tests.real.portal import free_port
from tests.real.required import require

PORTAL = "127.0.0.1:8000"
NGINX_LOG = "nginx-access.log"


@contextmanager
def proxy(name: str, upstream: str, folder: Path) -> Iterator[Gateway]:
    """``nginx``, ``caddy`` or ``haproxy`` in front of ``upstream``; its ``port`` speaks TLS."""
    certificate = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert(
        "localhost", "portal.example.com", key_type=trustme.KeyType.RSA
    )
    for file, blob in {
        "fullchain.pem": b"".join(part.bytes() for part in certificate.cert_chain_pems),
        "privkey.pem": certificate.private_key_pem.bytes(),
        "all.pem": certificate.private_key_and_cert_chain_pem.bytes(),
    }.items():
        (folder / file).write_bytes(blob)
    with _RUNNING[name](upstream, folder) as gateway:
        yield gateway


def _configured(file: str, folder: Path, upstream: str, replaced: dict[str, str]) -> Path:
    text = (ROOT / "deploy" / file).read_text()
    for old, new in {PORTAL: upstream, "/etc/ssl/portal.example.com": str(folder), **replaced}.items():
        assert old in text or old.startswith("/etc/ssl"), f"deploy/{file} has no {old!r}"
        text = text.replace(old, new)
    (folder / file).write_text(text)
    return folder / file


@contextmanager
def _nginx(upstream: str, folder: Path) -> Iterator[Gateway]:
    require_nginx()
    plain, port = free_port(), free_port()
    path = _configured("nginx.conf", folder, upstream, {
        "listen 80;": f"listen 127.0.0.1:{plain};", "listen [::]:80;": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;", "listen [::]:443 ssl;": "",
        "/var/log/nginx/access.log": str(folder / NGINX_LOG),
    })  # fmt: skip
    path.rename(folder / "site.conf")
    with running_nginx(folder, "site.conf", modules=(), port=port) as gateway:
        yield gateway


@contextmanager
def _caddy(upstream: str, folder: Path) -> Iterator[Gateway]:
    require(shutil.which("caddy"), "Caddy is not installed: apt install caddy")
    port = free_port()
    site = f"https://portal.example.com:{port}, https://localhost:{port} {{"
    tls = f"bind 127.0.0.1\n\ttls {folder}/fullchain.pem {folder}/privkey.pem"
    path = _configured("Caddyfile", folder, upstream, {"portal.example.com {": f"{site}\n\t{tls}"})
    path.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + path.read_text())
    environ = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ["caddy", "run", "--config", path, "--adapter", "caddyfile"]
    with running(command, folder=folder, port=port, environ=environ) as gateway:
        yield gateway


@contextmanager
def _haproxy(upstream: str, folder: Path) -> Iterator[Gateway]:
    haproxy = shutil.which("haproxy", path=f"/usr/sbin:/usr/local/sbin:{os.environ['PATH']}")
    require(haproxy, "HAProxy is not installed: apt install haproxy")
    port = free_port()
    path = _configured("haproxy.cfg", folder, upstream, {
        "bind :80": f"bind 127.0.0.1:{free_port()}", "bind :443": f"bind 127.0.0.1:{port}",
    })  # fmt: skip
    with running([str(haproxy), "-db", "-f", path], folder=folder, port=port) as gateway:
        yield gateway


_RUNNING = {"nginx": _nginx, "caddy": _caddy, "haproxy": _haproxy}
