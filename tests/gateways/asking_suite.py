"""What a recipe has to show that asks the portal's ``/api/v1/verify``: the same table, with a real portal."""

from pathlib import Path

import jwt
import pytest

from tests.gateways.asked import Asked, Elsewhere
from tests.gateways.conftest import Start
from tests.gateways.gateway import Gateway
from tests.gateways.suite import REFUSED
from tests.gateways.upstream import Upstream
from tests.real.http_calls import request
from tests.real.portal import free_port
from tests.real.tls_proxy import TlsProxy

BAD = [
    "expired", "foreign issuer", "wrong audience", "tampered", "none", "HS256 with the public key",
    "unknown kid", "a stranger's key under our kid", "no token at all",
]  # fmt: skip


class AskingSuite:
    """A subclass's module defines ``start(asked, upstream, folder)``, and gives ``asked`` as its ``issuer``."""

    def test_a_good_key_passes_and_says_whose_it_is(self, gateway: Gateway, asked: Asked) -> None:
        issued = asked.issue()
        reached = gateway.reached(issued["secret"])
        assert reached["x-org-id"] == asked.owner.external_id
        assert reached["x-key-id"] == issued["id"]
        assert reached["x-user-id"].startswith("usr_")
        assert not reached.get("x-scopes")

    def test_what_a_caller_writes_into_the_headers_does_not_pass(
        self, gateway: Gateway, asked: Asked
    ) -> None:
        names = ["x_org_id", "x_user_id", "x_key_id", "x_scopes"]
        reached = gateway.reached(asked.key, **dict.fromkeys(names, "somebody-else"))
        assert "somebody-else" not in reached.values()
        assert reached["x-org-id"] == asked.owner.external_id

    def test_what_a_caller_writes_does_not_stand_for_what_the_portal_leaves_out(
        self, gateway: Gateway, asked: Asked
    ) -> None:
        asked.proxy.withheld = {"x-user-id", "x-scopes"}
        try:
            reached = gateway.reached(asked.key, x_user_id="somebody-else", x_scopes="everything")
        finally:
            asked.proxy.withheld = set()
        assert reached["x-org-id"] == asked.owner.external_id
        assert not reached.get("x-user-id")
        assert not reached.get("x-scopes")

    @pytest.mark.parametrize("name", ["X_Org_Id", "X-Org_Id", "X_Org-Id", "X_Scopes"])
    def test_a_header_spelled_with_underscores_does_not_pass(
        self, gateway: Gateway, asked: Asked, name: str
    ) -> None:
        sent = {"Authorization": f"Bearer {asked.key}", name: "somebody-else"}
        answer = request(f"http://127.0.0.1:{gateway.port}/orders", headers=sent)
        assert b"somebody-else" not in answer.body

    @pytest.mark.parametrize("names", ["X-Org-Id", "close, X-Org-Id", "keep-alive, x-org-id, x-user-id"])
    def test_no_header_is_dropped_on_the_way(self, gateway: Gateway, asked: Asked, names: str) -> None:
        """A caller may name headers for the next hop alone; a refusal is as good."""
        answer = gateway.call(asked.key, connection=names)
        is_refused = answer.status in (400, *REFUSED)
        assert is_refused or answer.json()["headers"]["x-org-id"] == asked.owner.external_id

    def test_no_tunnel_is_opened(self, gateway: Gateway, asked: Asked) -> None:
        answer = gateway.call(
            asked.key, connection="Upgrade", upgrade="h2c", http2_settings="AAMAAABkAAQAAP__"
        )
        assert answer.status in (400, *REFUSED) or "upgrade" not in answer.json()["headers"]

    def test_the_key_does_not_reach_the_api(self, gateway: Gateway, asked: Asked) -> None:
        assert "authorization" not in gateway.reached(asked.key)

    def test_a_body_reaches_the_api(self, gateway: Gateway, asked: Asked) -> None:
        sent = {"Authorization": f"Bearer {asked.key}", "Content-Type": "text/plain"}
        answer = request(f"http://127.0.0.1:{gateway.port}/orders", "POST", b"a body", sent)
        assert (answer.status, answer.json()["method"], answer.json()["body"]) == (200, "POST", "a body")

    @pytest.mark.parametrize("what", BAD)
    def test_a_bad_token_is_refused(self, gateway: Gateway, asked: Asked, what: str) -> None:
        answer = gateway.call(asked.bad[what])
        assert answer.status in REFUSED, (what, answer.status, answer.body)
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert gateway.reached(asked.key)  # and goes on letting others in

    def test_a_key_in_the_address_is_not_read(self, gateway: Gateway, asked: Asked) -> None:
        assert gateway.call(None, f"/orders?access_token={asked.key}").status == 401

    def test_keys_from_before_and_after_a_rotation_pass(self, gateway: Gateway, asked: Asked) -> None:
        before = asked.issue()["secret"]
        asked.portal.rotate_signing_key()
        after = asked.issue()["secret"]
        assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
        assert gateway.reached(after)["x-org-id"] == asked.owner.external_id
        assert gateway.reached(before)["x-org-id"] == asked.owner.external_id

    def test_a_revoked_key_is_refused_at_once(self, gateway: Gateway, asked: Asked) -> None:
        issued = asked.issue()
        assert gateway.reached(issued["secret"])
        assert asked.portal.api("POST", f"/keys/{issued['id']}/revoke", {}).status in (200, 202)
        assert gateway.call(issued["secret"]).status == 401

    def test_without_the_portal_nothing_gets_in(
        self, start: Start, asked: Asked, upstream: Upstream, tmp_path: Path
    ) -> None:
        away = Elsewhere(f"https://127.0.0.1:{free_port()}", asked.ca_file)
        with start(away, upstream, tmp_path) as gateway:
            assert gateway.call(asked.key).status >= 500

    def test_a_portal_that_nobody_vouches_for_is_not_asked(
        self, start: Start, asked: Asked, upstream: Upstream, tmp_path: Path
    ) -> None:
        with TlsProxy(asked.portal.url, tmp_path).serving() as impostor:
            with start(Elsewhere(impostor.url, asked.ca_file), upstream, tmp_path) as gateway:
                assert gateway.call(asked.key).status >= 500
            assert not impostor.fetched
