"""gateways/haproxy with the real HAProxy, and the script that brings it the keys."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.gateways.gateway import Gateway, configured, running
from tests.gateways.issuer import CUSTOMER, Issuer, SigningKey
from tests.gateways.proxy_suite import ProxySuite
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port
from tests.real.required import require
from tests.real.waiting import eventually

FOLDER = "/etc/haproxy/latchkey"


def bring_keys(folder: Path, *reload: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, folder / "jwks_to_haproxy.py", *reload]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin") or shutil.which("haproxy")
    require(haproxy, "HAProxy is not installed: apt install haproxy")
    port = free_port()
    replaced = {FOLDER: str(folder)}
    if os.geteuid() != 0:
        replaced |= {"user haproxy": "", "group haproxy": ""}
    configured(
        "haproxy", folder, issuer.values, upstream=upstream.address, ca_file=issuer.ca_file, port=port,
        replaced=replaced,
    )  # fmt: skip
    done = bring_keys(folder)
    assert done.returncode == 0, done.stderr
    command = [str(haproxy), "-W", "-f", folder / "keys.cfg", "-f", folder / "haproxy.cfg"]
    with running(command, folder=folder, port=port) as gateway:
        yield gateway


class TestHaproxy(ProxySuite):
    def refusing_to_start(self) -> AbstractContextManager[object]:
        return pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED|certificate")

    def renewed(self, gateway: Gateway, issuer: Issuer) -> None:
        reload(gateway)


def reload(gateway: Gateway) -> None:
    """Bring the keys, and wait until the new worker serves."""
    assert gateway.process is not None

    def loaded() -> int:
        return gateway.log.read_text().count("Loading success")

    before = loaded()
    done = bring_keys(gateway.folder, "kill", "-USR2", str(gateway.process.pid))
    assert done.returncode == 0, done.stderr
    assert "written" in done.stdout
    eventually(lambda: loaded() > before, "HAProxy has read the new keys", seconds=60)


def pems(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "keys").iterdir()}


def test_a_list_of_audiences_is_read(gateway: Gateway, issuer: Issuer) -> None:
    other = "https://other.example.net"
    for audiences in ([issuer.audience], [other, issuer.audience], [other, other, issuer.audience]):
        assert gateway.reached(issuer.token(aud=audiences)), audiences
    assert gateway.call(issuer.token(aud=[other, other])).status == 401


def test_who_is_refused_learns_what_is_wanted(gateway: Gateway) -> None:
    assert gateway.call(None).headers["WWW-Authenticate"] == "Bearer"


def test_elliptic_curves_are_verified(upstream: Upstream, tmp_path: Path) -> None:
    with (
        Issuer(tmp_path, algorithm="ES256").serving() as issuer,
        start(issuer, upstream, tmp_path) as gateway,
    ):
        assert gateway.reached(issuer.token())["x-org-id"] == CUSTOMER
        assert gateway.call(issuer.token(signed_by=SigningKey("ES256"))).status == 401


def test_a_kid_may_look_like_an_option(upstream: Upstream, tmp_path: Path) -> None:
    with Issuer(tmp_path).serving() as issuer:
        issuer.active.kid = issuer.active.jwk["kid"] = "-m"
        with start(issuer, upstream, tmp_path) as gateway:
            assert gateway.reached(issuer.token())


def test_a_key_that_the_portal_no_longer_publishes_is_refused(gateway: Gateway, issuer: Issuer) -> None:
    stolen = issuer.token()
    assert gateway.reached(stolen)
    revoked, issuer.active = issuer.active, issuer.staged
    issuer.staged = SigningKey(issuer.algorithm)
    reload(gateway)
    eventually(lambda: gateway.call(stolen).status == 401, "the new worker answers", seconds=60)
    assert gateway.reached(issuer.token())["x-org-id"] == CUSTOMER
    assert revoked.kid not in pems(gateway.folder)


def test_nothing_is_touched_while_the_portal_is_away_or_nothing_has_changed(
    gateway: Gateway, issuer: Issuer
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in gateway.folder.iterdir()}
    reload_command = ("touch", str(gateway.folder / "reloaded"))
    assert bring_keys(gateway.folder, *reload_command).returncode == 0
    issuer.away = True
    try:
        assert bring_keys(gateway.folder, *reload_command).returncode == 1
    finally:
        issuer.away = False
    after = {path.name: path.stat().st_mtime_ns for path in gateway.folder.iterdir()}
    assert after | {"gateway.log": 0} == before | {"gateway.log": 0}


def test_a_reload_that_failed_is_tried_again(issuer: Issuer, gateway: Gateway, tmp_path: Path) -> None:
    configured(
        "haproxy", tmp_path, issuer.values, upstream="127.0.0.1:1", ca_file=issuer.ca_file, port=1,
        replaced={FOLDER: str(tmp_path)},
    )  # fmt: skip
    assert bring_keys(tmp_path, "false").returncode == 1
    assert bring_keys(tmp_path, "touch", str(tmp_path / "reloaded")).returncode == 0
    assert (tmp_path / "reloaded").exists()


def test_a_kid_that_is_a_path_writes_no_file(issuer: Issuer, tmp_path: Path) -> None:
    configured(
        "haproxy", tmp_path / "keys", issuer.values, upstream="127.0.0.1:1", ca_file=issuer.ca_file, port=1,
        replaced={FOLDER: str(tmp_path / "keys")},
    )  # fmt: skip
    odd = SigningKey(issuer.algorithm)
    odd.jwk = {**odd.jwk, "kid": "../outside"}
    issuer.retiring.append(odd)
    try:
        done = bring_keys(tmp_path / "keys")
    finally:
        issuer.retiring.remove(odd)
    assert done.returncode == 0, done.stderr
    assert "'../outside'" in done.stderr
    assert not (tmp_path / "outside.pem").exists()
    assert issuer.active.kid in pems(tmp_path / "keys")
