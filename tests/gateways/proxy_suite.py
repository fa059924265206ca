"""What a recipe has to show beyond the table when the gateway forwards requests: what reaches the API."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.conftest import Start
from tests.gateways.gateway import Gateway
from tests.gateways.issuer import CUSTOMER, SCOPE, USER, Issuer
from tests.gateways.suite import REFUSED, RecipeSuite
from tests.gateways.upstream import Upstream
from tests.real.http_calls import request


class ProxySuite(RecipeSuite):
    refused_without: tuple[dict[str, Any], ...] = (
        {"exp": None}, {"iss": None}, {"aud": None}, {"org_id": None}, {"nbf": 4000000000},
    )  # fmt: skip
    """Claims that a key has to have, or else is refused."""

    def test_the_api_learns_user_and_scopes_but_not_the_key(self, gateway: Gateway, issuer: Issuer) -> None:
        reached = gateway.reached(issuer.token())
        assert reached["x-user-id"] == USER
        assert reached["x-scopes"] == SCOPE
        assert "authorization" not in reached

    def test_what_a_caller_writes_does_not_stand_for_an_absent_claim(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        reached = gateway.reached(issuer.token(scope=None), x_scopes="everything")
        assert not reached.get("x-scopes")

    def test_a_header_spelled_with_underscores_does_not_pass(self, gateway: Gateway, issuer: Issuer) -> None:
        sent = {"Authorization": f"Bearer {issuer.token()}", "X_Org_Id": "somebody-else"}
        answer = request(f"http://127.0.0.1:{gateway.port}/orders", headers=sent)
        assert b"somebody-else" not in answer.body

    @pytest.mark.parametrize("name", ["X-Key-Id", "X_Key_Id"])
    def test_what_is_not_known_here_nobody_claims(self, gateway: Gateway, issuer: Issuer, name: str) -> None:
        sent = {"Authorization": f"Bearer {issuer.token()}", name: "somebody-else"}
        assert b"somebody-else" not in request(f"http://127.0.0.1:{gateway.port}/orders", headers=sent).body

    @pytest.mark.parametrize("names", ["X-Org-Id", "close, X-Org-Id", "keep-alive, x-org-id, x-user-id"])
    def test_no_header_is_dropped_on_the_way(self, gateway: Gateway, issuer: Issuer, names: str) -> None:
        """A caller may name headers for the next hop alone; a refusal is as good."""
        answer = gateway.call(issuer.token(), connection=names)
        assert answer.status in (400, *REFUSED) or answer.json()["headers"]["x-org-id"] == CUSTOMER

    def test_no_tunnel_is_opened(self, gateway: Gateway, issuer: Issuer) -> None:
        answer = gateway.call(
            issuer.token(),
            connection="Upgrade, HTTP2-Settings",
            upgrade="h2c",
            http2_settings="AAMAAABkAAQAAP__",
        )
        assert answer.status in (400, *REFUSED) or "upgrade" not in answer.json()["headers"]

    def test_a_claim_that_is_missing_or_yet_to_come_is_refused(
        self, gateway: Gateway, issuer: Issuer
    ) -> None:
        for changed in self.refused_without:
            assert gateway.call(issuer.token(**changed)).status in REFUSED, changed

    def test_an_impostor_of_the_portal_is_not_believed(
        self, start: Start, issuer: Issuer, upstream: Upstream, tmp_path: Path
    ) -> None:
        """It publishes its own keys under a certificate that no authority of ours gave it."""
        with Issuer(tmp_path).serving() as impostor:
            impostor.ca_file = issuer.ca_file
            with self.refusing_to_start(), start(impostor, upstream, tmp_path) as gateway:
                assert gateway.call(impostor.token()).status != 200

    def refusing_to_start(self) -> AbstractContextManager[object]:
        """For gateways that don't start without the portal's keys."""
        return nullcontext()

    def test_a_key_in_the_address_is_not_read(self, gateway: Gateway, issuer: Issuer) -> None:
        assert gateway.call(None, f"/orders?access_token={issuer.token()}").status == 401
