"""What verifies in the drill; each keeps the portal's keys for ``cache_seconds`` and says yes or no."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from portal.core.recipes import AUDIENCE, Values
from tests.gateways import test_envoy, test_nginx_njs
from tests.gateways.gateway import Gateway
from tests.gateways.upstream import Upstream
from tests.real.portal import Portal
from tests.real.required import require_node
from tests.real.tls_proxy import TlsProxy
from tests.real.verifiers import Jose, Refused, Source
from tokens.checker import KeyChecker
from tokens.jws import InvalidToken
from tokens.remote_keys import RemoteKeys
from tokens.verify import Verifier

JWKS = "/.well-known/jwks.json"


class Verifies(Protocol):
    """One that is drilled."""

    def accepts(self, token: str) -> bool: ...


@dataclass(frozen=True)
class Proxy:
    """A gateway in front of an API."""

    gateway: Gateway

    def accepts(self, token: str) -> bool:
        return self.gateway.call(token).status == 200


@dataclass(frozen=True)
class NodeJose:
    jose: Jose

    def accepts(self, token: str) -> bool:
        try:
            self.jose.check(token)
        except Refused:
            return False
        return True


@dataclass(frozen=True)
class Python:
    checker: KeyChecker

    def accepts(self, token: str) -> bool:
        try:
            self.checker.check(token)
        except InvalidToken:
            return False
        return True


@dataclass(frozen=True)
class Published:
    """The portal as recipes are filled with it, through TLS."""

    values: Values
    ca_file: Path


@contextmanager
def verifiers(portal: Portal, folder: Path, *, cache_seconds: int) -> Iterator[dict[str, Verifies]]:
    """All four, by name; those with a process of their own are started."""
    require_node()
    with ExitStack() as stack:
        proxy = stack.enter_context(TlsProxy(portal.url, folder).serving())
        upstream = stack.enter_context(Upstream().serving())
        by_name = proxy.url.replace("127.0.0.1", "localhost")  # nginx looks for no address in certificates
        published = Published(Values(by_name, portal.url, AUDIENCE), proxy.ca_file)
        places = {name: folder / name for name in ("envoy", "nginx")}
        for place in places.values():
            place.mkdir()
        envoy = test_envoy.start(
            published, upstream, places["envoy"], **{"cache_duration: 300s": f"cache_duration: {cache_seconds}s"}
        )  # fmt: skip
        nginx = test_nginx_njs.start(
            published, upstream, places["nginx"],
            **{"proxy_cache_valid 200 300s;": f"proxy_ignore_headers Cache-Control; proxy_cache_valid 200 {cache_seconds}s;"},
        )  # fmt: skip
        jose = Jose(
            Source(proxy.url + JWKS, portal.url, proxy.ca_file), impatient=True, max_age_seconds=cache_seconds
        )
        stack.callback(jose.close)
        keys = RemoteKeys(portal.url + JWKS, fresh_seconds=cache_seconds)
        yield {
            "Envoy": Proxy(stack.enter_context(envoy)),
            "nginx with njs": Proxy(stack.enter_context(nginx)),
            "jose": NodeJose(jose),
            "Python": Python(KeyChecker(Verifier(keys, portal.url, (AUDIENCE,)))),
        }
