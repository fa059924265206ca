"""gateways/nginx-lua as far as it can be shown without lua-resty-openidc, which no package registry of ours has.

nginx and its Lua are the real ones. A stand-in of the library's interface checks no signature: what is shown
is that nginx takes the configuration, what is asked of the library, and what reaches the API.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateways.gateway import Gateway, configured
from tests.gateways.issuer import CUSTOMER, SCOPE, USER, Issuer
from tests.gateways.nginx import require_nginx, running_nginx
from tests.gateways.upstream import Upstream
from tests.real.portal import free_port

MODULES = ["ndk_http_module.so", "ngx_http_lua_module.so"]
STAND_IN = {
    "resty/openidc.lua": """
        local cjson = require "cjson"
        return { bearer_jwt_verify = function(options, checks)
            assert(options.ssl_verify == "yes" and options.accept_none_alg == false)
            assert(options.discovery.jwks_uri == options.discovery.issuer .. "/.well-known/jwks.json")
            local part = (ngx.var.http_authorization or ""):match("^Bearer [^.]+%.([^.]+)%.")
            if not part then return nil, "no token" end
            local claims = cjson.decode(ngx.decode_base64((part:gsub("-", "+"):gsub("_", "/"))))
            for name, check in pairs(checks) do
                if not check(claims[name]) then return nil, name end
            end
            return claims
        end }
    """,
    "resty/jwt-validators.lua": """
        return {
            equals = function(wanted) return function(value) return value == wanted end end,
            matches = function(pattern)
                return function(value) return value ~= nil and value:match(pattern) ~= nil end
            end,
            is_not_expired = function() return function(value) return value and value > ngx.time() end end,
            opt_is_not_before = function() return function(value) return not value or value <= ngx.time() end end,
        }
    """,
}


@contextmanager
def start(issuer: Issuer, upstream: Upstream, folder: Path, *, library: bool = True) -> Iterator[Gateway]:
    require_nginx(*MODULES)
    port = free_port()
    configured(
        "nginx-lua", folder, issuer.values, upstream=upstream.address, ca_file=issuer.ca_file, port=port
    )
    path = folder / "latchkey.conf"
    path.write_text(f"lua_package_path '{folder}/lua/?.lua;;';\n{path.read_text()}")
    for name, text in STAND_IN.items() if library else ():
        (folder / "lua" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "lua" / name).write_text(text)
    with running_nginx(folder, "latchkey.conf", modules=MODULES, port=port) as gateway:
        yield gateway


class TestNginxLua:
    def test_the_api_learns_whose_key_it_is_and_not_the_key(self, gateway: Gateway, issuer: Issuer) -> None:
        reached = gateway.reached(issuer.token(), x_org_id="somebody-else", x_user_id="root")
        assert reached["x-org-id"] == CUSTOMER
        assert reached["x-user-id"] == USER
        assert reached["x-scopes"] == SCOPE
        assert "authorization" not in reached

    def test_what_a_caller_writes_does_not_stand_for_an_absent_claim(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        assert "x-scopes" not in gateway.reached(issuer.token(scope=None), x_scopes="everything")

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "https://issuer.example.net"}, {"aud": "https://other.example.net"}, {"aud": None},
            {"aud": ["https://other.example.net"]}, {"exp": 1}, {"exp": None}, {"nbf": 4000000000},
            {"org_id": None}, {"org_id": "a\nb"},
        ],
        ids=str,
    )  # fmt: skip
    def test_claims_are_asked_for(self, gateway: Gateway, issuer: Issuer, changed: dict[str, object]) -> None:
        answer = gateway.call(issuer.token(**changed))
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_a_list_of_audiences_is_read(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.reached(issuer.token(aud=["https://other.example.net", issuer.audience]))

    def test_no_key_is_refused(self, gateway: Gateway) -> None:
        assert gateway.call(None).status == 401

    def test_without_an_audience_a_good_key_passes(self, upstream: Upstream, tmp_path: Path) -> None:
        with (
            Issuer(tmp_path, audience=None).serving() as issuer,
            start(issuer, upstream, tmp_path) as gateway,
        ):
            assert gateway.reached(issuer.token())["x-org-id"] == CUSTOMER

    def test_without_the_library_nothing_passes(
        self, issuer: Issuer, upstream: Upstream, tmp_path: Path
    ) -> None:
        with start(issuer, upstream, tmp_path, library=False) as gateway:
            assert gateway.call(issuer.token()).status == 500
