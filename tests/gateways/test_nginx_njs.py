"""gateways/nginx-njs with the real nginx and njs."""

import base64
import copy
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from portal.core.recipes import AUDIENCE, recipe_named
from tests.gateways.gateway import Gateway, configured
from tests.gateways.issuer import CUSTOMER, JWKS, Issuer, SigningKey
from tests.gateways.nginx import require_nginx, running_nginx
from tests.gateways.proxy_suite import ProxySuite
from tests.gateways.suite import REFUSED
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port
from tests.real.waiting import eventually

NJS = "ngx_http_js_module.so"


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path, **replaced: str) -> Iterator[Gateway]:
    require_nginx(NJS)
    port = free_port()
    paths = {"/etc/nginx/latchkey": str(folder), "/var/cache/nginx-latchkey": str(folder / "cache")}
    configured(
        "nginx-njs", folder, issuer.values, upstream=upstream.address, ca_file=issuer.ca_file, port=port,
        replaced=paths | replaced,
    )  # fmt: skip
    with running_nginx(folder, "latchkey.conf", modules=[NJS], port=port) as gateway:
        yield gateway


class TestNginxNjs(ProxySuite):
    @pytest.mark.parametrize(
        "header",
        [
            {"typ": None}, {"typ": "statuslist+jwt"}, {"kid": None}, {"kid": 7}, {"kid": "../jwks"},
            {"crit": ["exp"]}, {"alg": "RS512"}, {"alg": "EdDSA"}, {"alg": "toString"}, {"alg": ["RS256"]},
        ],
        ids=str,
    )  # fmt: skip
    def test_a_bad_header_is_refused(self, gateway: Gateway, issuer: Issuer, header: dict[str, Any]) -> None:
        sent = {"alg": "RS256", "kid": issuer.active.kid, "typ": "at+jwt"}
        assert gateway.call(signed(issuer, sent)).status == 200
        assert gateway.call(signed(issuer, sent | header)).status == 401

    @pytest.mark.parametrize(
        "changed",
        [
            {"exp": "4000000000"}, {"exp": True}, {"iat": 4000000000}, {"iat": None}, {"jti": None},
            {"sub": None}, {"aud": []}, {"aud": {}},
        ],
        ids=str,
    )  # fmt: skip
    def test_a_bad_claim_is_refused(self, gateway: Gateway, issuer: Issuer, changed: dict[str, Any]) -> None:
        assert gateway.call(issuer.token(**changed)).status == 401

    def test_the_audience_may_be_one_of_several(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token(aud=["https://other.example.net", AUDIENCE]))

    def test_a_header_is_never_split(self, gateway: Gateway, issuer: Issuer) -> None:
        injected = "acme\r\nX-Scopes: everything"
        assert gateway.call(issuer.token(org_id=injected)).status == 403
        assert "x-user-id" not in gateway.reached(issuer.token(sub=injected))

    def test_a_refusal_names_its_kind_to_the_caller(self, gateway: Gateway, issuer: Issuer) -> None:
        answer = gateway.call(issuer.token(exp=1))
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert "key refused: expired" in gateway.log.read_text()


def signed(issuer: Issuer, header: dict[str, Any]) -> str:
    """Good claims under a header of any content, signed RS256 with the active key."""
    parts = [json.dumps(part).encode() for part in (without_none(header), issuer.claims())]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    private = issuer.active.private
    assert isinstance(private, RSAPrivateKey)
    signature = private.sign(text, PKCS1v15(), SHA256())
    return b".".join([text, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def without_none(header: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if value is not None}


def test_each_algorithm_passes_with_the_key_published_for_it_alone(
    issuer: Issuer, upstream: Upstream, tmp_path: Path
) -> None:
    algorithms = recipe_named("nginx-njs").algorithms
    keys = {name: SigningKey(name) for name in algorithms}
    encrypting = SigningKey("RS256")
    encrypting.jwk["use"] = "enc"
    issuer.retiring += [*keys.values(), encrypting]
    with start(issuer, upstream, tmp_path, **{"['RS256']": str(list(algorithms))}) as gateway:
        for name, key in keys.items():
            assert gateway.reached(issuer.token(signed_by=key))["x-org-id"] == CUSTOMER, name
        assert gateway.call(issuer.token(signed_by=encrypting)).status == 401
        for name, other in [("RS256", "PS256"), ("PS256", "RS512"), ("ES256", "ES384")]:
            # The algorithm of another key, under that one's kid and under its own.
            assert gateway.call(issuer.token(signed_by=keys[name], kid=keys[other].kid)).status == 401
            swapped = copy.copy(keys[name])
            swapped.algorithm = other
            if name != "ES256":  # whose curve can't sign ES384
                assert gateway.call(issuer.token(signed_by=swapped)).status == 401, (name, other)


def test_an_unknown_kid_has_the_keys_fetched_once_a_window(upstream: Upstream, tmp_path: Path) -> None:
    with Issuer(tmp_path).serving() as issuer, start(issuer, upstream, tmp_path) as gateway:
        assert gateway.reached(issuer.token())
        issuer.rotate()
        issuer.rotate()  # to a key that wasn't published before
        assert gateway.reached(issuer.token())
        assert issuer.fetched[JWKS] == 2
        begun = time.monotonic()
        for _ in range(50):
            assert gateway.call(issuer.token(kid="unknown")).status == 401
        windows = (time.monotonic() - begun) // 10 + 1
        assert issuer.fetched[JWKS] <= 2 + windows


def test_without_the_portal_known_keys_pass(upstream: Upstream, tmp_path: Path) -> None:
    with Issuer(tmp_path).serving() as issuer, start(issuer, upstream, tmp_path) as gateway:
        issuer.max_age = 1
        issuer.away = True
        assert gateway.call(issuer.token()).status == 500  # nothing is known of any key yet
        issuer.away = False
        assert gateway.reached(issuer.token())
        issuer.away = True
        before = issuer.fetched[JWKS]

        def tried_again() -> bool:
            assert gateway.reached(issuer.token())
            return issuer.fetched[JWKS] > before + 1

        eventually(tried_again, "nginx tries to renew the keys", seconds=30)
        assert gateway.reached(issuer.token())
        assert gateway.call(issuer.token(kid="unknown")).status == 401


def test_emptying_the_cache_drops_a_revoked_signing_key_at_once(upstream: Upstream, tmp_path: Path) -> None:
    with Issuer(tmp_path).serving() as issuer, start(issuer, upstream, tmp_path) as gateway:
        stolen = issuer.token()
        assert gateway.reached(stolen)
        issuer.rotate()
        issuer.retiring.clear()
        assert gateway.reached(stolen)
        for file in (tmp_path / "cache").iterdir():
            file.unlink()
        assert gateway.call(stolen).status in REFUSED
        assert gateway.reached(issuer.token())
